//! What is sent again, and what an earlier run has spared.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;

use super::shelf::*;

#[tokio::test]
async fn a_volume_that_cannot_be_deleted_is_kept_for_the_resume() {
    let mut shelf = Shelf::new(FILE.len()).refusing(|_, chunk, _| (chunk == 0).then_some(Setback::Lost));
    shelf.deletable = false;
    let (uploaded, memos, _) = upload(&Arc::new(shelf), None).await;
    uploaded.unwrap_err();
    assert_eq!(memos, ["opened 1"]);
}

#[tokio::test]
async fn a_chunk_that_is_stored_although_its_answer_was_lost_and_then_refused_is_found_on_the_next_list() {
    // Every repetition is refused, as a site may that has the chunk.
    let shelf = Shelf::new(FILE.len()).refusing(|_, chunk, nth| match (chunk, nth) {
        (1, 1) => Some(Setback::Lost),
        (1, _) => Some(Setback::Refused),
        _ => None,
    });
    shelf.state.lock().unwrap().stored.insert((1, 1), Bytes::from_static(b"efgh"));
    let shelf = Arc::new(shelf);
    let uploaded = upload(&shelf, None).await.0.unwrap();
    assert!(!uploaded.restarted);
    assert_eq!(shelf.content(1), FILE);
}

#[tokio::test]
async fn a_resumed_upload_sends_what_was_not_acknowledged_and_still_digests_the_whole_file() {
    let shelf = Arc::new(Shelf::new(FILE.len()));
    let whole = upload(&shelf, None).await.0.unwrap();
    shelf.state.lock().unwrap().stored.retain(|(_, chunk), _| *chunk < 2);
    let resume = Resume { volume: volume(1), acknowledged: BTreeSet::from([0, 1]) };
    let (uploaded, memos, progress) = upload(&shelf, Some(resume)).await;
    let uploaded = uploaded.unwrap();
    assert_eq!(memos, ["2", "3", "4"]);
    assert_eq!((uploaded.sent, &uploaded.digests), (10, &whole.digests));
    assert_eq!(progress[0].done, 12);
    assert_eq!(shelf.content(1), FILE);
}

#[tokio::test]
async fn a_resumed_upload_believes_the_site_about_chunks_it_did_not_note() {
    let shelf = Arc::new(Shelf::new(FILE.len()));
    upload(&shelf, None).await.0.unwrap();
    shelf.state.lock().unwrap().stored.remove(&(1, 4));
    let resume = Resume { volume: volume(1), acknowledged: BTreeSet::from([0]) };
    let (uploaded, memos, _) = upload(&shelf, Some(resume)).await;
    uploaded.unwrap();
    assert_eq!(memos, ["1", "4"], "the first answer told what is missing");
    assert_eq!(shelf.content(1), FILE);
}

#[tokio::test]
async fn what_only_the_first_list_after_a_resume_said_is_sent_when_the_file_is_not_listed_in_the_end() {
    let mut shelf = Shelf::new(FILE.len());
    shelf.lists = |_| Some(vec![]);
    shelf.listing = Listing::Absent;
    let resume = Resume { volume: volume(1), acknowledged: BTreeSet::from([0]) };
    shelf.state.lock().unwrap().stored.insert((1, 0), Bytes::from_static(b"abcd"));
    let shelf = Arc::new(shelf);
    let (uploaded, memos, _) = upload(&shelf, Some(resume)).await;
    uploaded.unwrap();
    assert_eq!(memos, ["1", "2", "3", "4"]);
    assert_eq!(shelf.content(1), FILE);
}

#[tokio::test]
async fn a_resumed_volume_that_is_gone_is_replaced() {
    let shelf = Shelf::new(FILE.len()).refusing(|volume, _, _| (volume == 9).then_some(Setback::Refused));
    let resume = Resume { volume: volume(9), acknowledged: BTreeSet::from([0]) };
    let shelf = Arc::new(shelf);
    let (uploaded, memos, _) = upload(&shelf, Some(resume)).await;
    assert!(uploaded.unwrap().restarted);
    assert_eq!(memos[..2], ["deleted 9", "opened 1"]);
    assert_eq!(shelf.content(1), FILE);
}

#[tokio::test]
async fn what_the_site_still_lists_is_sent_again() {
    let shelf = Arc::new(Shelf::new(FILE.len()));
    upload(&shelf, None).await.0.unwrap();
    // The site has lost a chunk that it had acknowledged.
    shelf.state.lock().unwrap().stored.remove(&(1, 1));
    let resume = Resume { volume: volume(1), acknowledged: BTreeSet::from([0, 1, 2, 3]) };
    let (uploaded, memos, _) = upload(&shelf, Some(resume)).await;
    uploaded.unwrap();
    assert_eq!(memos, ["4", "1"]);
    assert_eq!(shelf.content(1), FILE);
}

#[tokio::test]
async fn a_list_that_never_shrinks_is_overruled_by_the_list_of_images_only() {
    for (listing, repeats) in [(Listing::Whole, 0), (Listing::Absent, 2), (Listing::NoList, 2)] {
        let mut shelf = Shelf::new(FILE.len());
        shelf.lists = |_| Some(vec![0]);
        shelf.listing = listing;
        let shelf = Arc::new(shelf);
        let (uploaded, ..) = upload(&shelf, None).await;
        assert_eq!(uploaded.is_ok(), listing == Listing::Whole);
        let first_volume = shelf.state.lock().unwrap().sent.iter().filter(|(volume, _)| *volume == 1).count();
        assert_eq!(first_volume, 5 + repeats / 2, "repeated once, not for ever");
    }
}
