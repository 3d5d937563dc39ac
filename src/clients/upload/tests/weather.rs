//! Whatever goes wrong in whatever order: what is called uploaded is whole.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::shelf::*;

/// A number under 100 that depends on the arguments alone.
fn drawn(seed: u32, volume: u32, chunk: u32, nth: u32) -> u8 {
    let name: Vec<u8> = [seed, volume, chunk, nth].iter().flat_map(|part| part.to_be_bytes()).collect();
    Sha256::digest(name)[0] % 100
}

#[tokio::test]
async fn what_is_called_uploaded_is_whole_whatever_went_wrong_before() {
    let (mut whole, mut given_up) = (0, 0);
    for seed in 0..120 {
        // From fair weather to a storm.
        let storm = (seed / 10) as u8;
        let mut shelf = Shelf::new(long_file().len()).refusing(move |volume, chunk, nth| {
            match drawn(seed, volume, chunk, nth) {
                draw if draw < storm => Some(Setback::Lost),
                draw if draw < storm * 2 => Some(Setback::Refused),
                draw if draw < storm * 3 => Some(Setback::Throttled),
                _ => None,
            }
        });
        shelf.in_order_only = seed % 3 == 0;
        shelf.odd_ones_late = seed % 2 == 0;
        shelf.stores_what_is_lost = seed % 4 < 2;
        if seed % 5 == 0 {
            shelf.lists = |_| None;
        }
        let shelf = Arc::new(shelf);
        match upload_of(&shelf, &long_file(), None, None).await.0 {
            Ok(uploaded) => {
                let volume = uploaded.volume.zbs_volume_id.parse().unwrap();
                assert_eq!(shelf.content(volume), long_file(), "seed {seed}");
                whole += 1;
            }
            Err(_) => given_up += 1,
        }
        let state = shelf.state.lock().unwrap();
        assert!(state.highest <= 8 && state.opened <= 2 && state.in_flight == 0, "seed {seed}");
        assert!(state.sent.len() < 400, "seed {seed}: {} requests", state.sent.len());
    }
    assert!(whole > 60 && given_up > 5, "{whole} whole, {given_up} given up: no weather to speak of");
}
