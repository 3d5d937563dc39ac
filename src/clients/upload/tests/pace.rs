//! How many chunks travel side by side.

use std::{sync::Arc, time::Duration};

use super::shelf::*;

#[tokio::test]
async fn chunks_travel_side_by_side_once_the_site_is_seen_to_bear_it_but_never_more_than_eight() {
    let mut shelf = Shelf::new(long_file().len());
    // Seven answers let eight travel.
    shelf.ready = |state, chunk| chunk < 7 || state.highest >= 8;
    let shelf = Arc::new(shelf);
    let uploaded = upload_of(&shelf, &long_file(), None, None).await.0.unwrap();
    assert_eq!((uploaded.sent, shelf.content(1)), (200, long_file()));
    assert_eq!(shelf.state.lock().unwrap().highest, 8);
}

#[tokio::test]
async fn a_site_whose_lists_are_odd_gets_one_chunk_at_a_time() {
    for lists in [|_| None, |_| Some(vec![0]), |_| Some(vec![])] {
        let mut shelf = Shelf::new(long_file().len());
        shelf.lists = lists;
        shelf.listing = Listing::Whole;
        let shelf = Arc::new(shelf);
        upload_of(&shelf, &long_file(), None, None).await.0.unwrap();
        assert_eq!(shelf.content(1), long_file());
        assert_eq!(shelf.state.lock().unwrap().highest, 1);
    }
}

#[tokio::test]
async fn a_site_that_wants_order_is_given_it_after_its_first_refusal() {
    let mut shelf = Shelf::new(long_file().len());
    shelf.in_order_only = true;
    // Of the first two side by side the second is there first.
    shelf.ready = |state, chunk| chunk % 2 == 0 || state.refused > 0;
    let shelf = Arc::new(shelf);
    let uploaded = upload_of(&shelf, &long_file(), None, None).await.0.unwrap();
    assert_eq!(shelf.content(1), long_file());
    assert_eq!((uploaded.restarted, uploaded.sent), (false, 200 + 4), "one chunk came too early, once");
    let state = shelf.state.lock().unwrap();
    assert_eq!((state.highest, state.pauses.len()), (2, 0));
}

#[tokio::test]
async fn a_site_with_too_much_to_do_is_left_alone_as_long_as_it_asks_and_then_sent_one_at_a_time() {
    let mut shelf = Shelf::new(long_file().len())
        .refusing(|_, chunk, nth| (chunk == 20 && nth < 6).then_some(Setback::Throttled));
    shelf.retry_after = Some(Duration::from_secs(7));
    let shelf = Arc::new(shelf);
    let uploaded = upload_of(&shelf, &long_file(), None, None).await.0.unwrap();
    assert_eq!(shelf.content(1), long_file());
    assert_eq!((uploaded.restarted, uploaded.sent), (false, 200 + 5 * 4), "it is not the chunk's fault");
    let state = shelf.state.lock().unwrap();
    assert_eq!(state.pauses, [Duration::from_secs(7); 5]);
    let after = state.sent.iter().rposition(|(_, chunk)| *chunk == 20).unwrap();
    let next: Vec<u32> = state.sent[after + 1..after + 9].iter().map(|(_, chunk)| *chunk).collect();
    assert!(next.is_sorted(), "{next:?}");
}

#[tokio::test]
async fn a_site_that_has_too_much_to_do_for_ever_keeps_its_volume() {
    let shelf = Shelf::new(FILE.len()).refusing(|_, chunk, _| (chunk == 1).then_some(Setback::Throttled));
    let shelf = Arc::new(shelf);
    upload(&shelf, None).await.0.unwrap_err();
    let state = shelf.state.lock().unwrap();
    assert!(state.deleted.is_empty());
    assert!(state.sent.len() < 30 && state.pauses.last() > state.pauses.first(), "{:?}", state.pauses);
}

#[tokio::test]
async fn appends_are_sent_strictly_one_after_the_other() {
    let mut shelf = Shelf::new(long_file().len());
    (shelf.order, shelf.in_order_only) = (Order::Sequential, true);
    let shelf = Arc::new(shelf);
    let uploaded = upload_of(&shelf, &long_file(), None, None).await.0.unwrap();
    assert_eq!((uploaded.sent, shelf.content(1)), (200, long_file()));
    assert_eq!(shelf.sent(), (0..50).collect::<Vec<_>>());
    assert_eq!(shelf.state.lock().unwrap().highest, 1);
}
