//! Every chunk arrives, and what a failed one costs.

mod appending;
mod pace;
mod resume;
mod shelf;
mod weather;

use std::{io::Write, sync::Arc, time::Duration};

use self::shelf::*;

#[tokio::test]
async fn every_chunk_is_sent_once_with_both_digests_of_the_file() {
    let shelf = Arc::new(Shelf::new(FILE.len()));
    let (uploaded, memos, progress) = upload(&shelf, None).await;
    let uploaded = uploaded.unwrap();
    assert_eq!(shelf.content(1), FILE);
    assert_eq!(memos, ["opened 1", "0", "1", "2", "3", "4"]);
    assert_eq!((uploaded.sent, uploaded.restarted), (18, false));
    assert_eq!(uploaded.digests.md5, "fbaf6ecf6acbe54aa33858818d351197");
    assert_eq!(uploaded.digests.sha256, "2d1222692afaf56e95a8ab00879ed023a00db3e26fa14236e542748579285efa");
    assert_eq!(progress.last(), Some(&Progress { done: 18, total: 18 }));
}

#[tokio::test]
async fn a_failed_chunk_is_sent_twice_more() {
    for setback in [Setback::Refused, Setback::Lost] {
        let shelf = Shelf::new(FILE.len());
        let shelf = Arc::new(shelf.refusing(move |_, chunk, nth| (chunk == 0 && nth < 3).then_some(setback)));
        let uploaded = upload(&shelf, None).await.0.unwrap();
        assert_eq!(shelf.content(1), FILE);
        assert_eq!((uploaded.restarted, uploaded.sent), (false, 18 + 2 * 4));
        assert_eq!(shelf.state.lock().unwrap().pauses, [1, 2].map(Duration::from_secs));
    }
}

#[tokio::test]
async fn a_chunk_that_fails_three_times_costs_its_volume_once() {
    let refuse = |volume, chunk, _| (volume == 1 && chunk == 0).then_some(Setback::Refused);
    let shelf = Arc::new(Shelf::new(FILE.len()).refusing(refuse));
    let (uploaded, memos, _) = upload(&shelf, None).await;
    assert!(uploaded.unwrap().restarted);
    assert_eq!(memos, ["opened 1", "deleted 1", "opened 2", "0", "1", "2", "3", "4"]);
    assert_eq!(shelf.content(2), FILE);
}

#[tokio::test]
async fn a_volume_given_up_half_way_leaves_nothing_under_way_and_the_digests_are_still_of_the_whole_file() {
    let refuse = |volume, chunk, _| (volume == 1 && chunk == 30).then_some(Setback::Lost);
    let shelf = Arc::new(Shelf::new(long_file().len()).refusing(refuse));
    let uploaded = upload_of(&shelf, &long_file(), None, None).await.0.unwrap();
    let plain = upload_of(&Arc::new(Shelf::new(200)), &long_file(), None, None).await.0.unwrap();
    assert!(uploaded.restarted);
    assert_eq!((uploaded.digests, shelf.content(2)), (plain.digests, long_file()));
    let sent = shelf.state.lock().unwrap().sent.clone();
    assert!(sent.is_sorted_by_key(|(volume, _)| *volume), "nothing arrives at a deleted volume");
}

#[tokio::test]
async fn a_second_volume_that_fails_is_the_end_and_leaves_none_behind() {
    let shelf = Shelf::new(FILE.len()).refusing(|_, chunk, _| (chunk == 0).then_some(Setback::Lost));
    let shelf = Arc::new(shelf);
    let (uploaded, ..) = upload(&shelf, None).await;
    assert_eq!(uploaded.unwrap_err().advice.len(), 1);
    let state = shelf.state.lock().unwrap();
    assert_eq!((state.opened, state.deleted.len(), state.sent.len()), (2, 2, 6));
}

#[tokio::test]
async fn what_repetition_cannot_heal_stops_at_once_and_keeps_the_volume() {
    let mut shelf = Shelf::new(FILE.len()).refusing(|_, chunk, _| (chunk == 1).then_some(Setback::Final));
    shelf.ready = |state, chunk| chunk != 1 || state.sent.contains(&(1, 2));
    let shelf = Arc::new(shelf);
    let (uploaded, memos, _) = upload(&shelf, None).await;
    uploaded.unwrap_err();
    assert_eq!(memos, ["opened 1", "0", "2"], "what was under way is still noted");
    assert!(shelf.state.lock().unwrap().deleted.is_empty());
}

#[tokio::test]
async fn digests_that_are_known_are_not_made_again() {
    let shelf = Arc::new(Shelf::new(FILE.len()));
    let digests = Digests { sha256: "s".into(), md5: "m".into(), size: FILE.len() as u64 };
    let uploaded = upload_of(&shelf, FILE, Some(digests.clone()), None).await.0.unwrap();
    assert_eq!((uploaded.digests, shelf.content(1)), (digests.clone(), FILE.to_vec()));
    let of_another_file = Digests { size: 17, ..digests };
    let uploaded = upload_of(&shelf, FILE, Some(of_another_file), None).await.0.unwrap();
    assert_eq!(uploaded.digests.md5, "fbaf6ecf6acbe54aa33858818d351197");
}

#[tokio::test]
async fn a_file_that_becomes_shorter_while_it_travels_is_a_media_failure_and_keeps_the_volume() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(FILE).unwrap();
    let cut = file.as_file().try_clone().unwrap();
    let shelf = Shelf::new(FILE.len()).refusing(move |_, chunk, _| {
        (chunk == 0).then(|| cut.set_len(8).unwrap());
        None
    });
    let shelf = Arc::new(shelf);
    let known = Digests { sha256: "s".into(), md5: "m".into(), size: FILE.len() as u64 };
    let upload = Upload {
        sink: shelf.clone(),
        file: file.path(),
        digests: Some(known),
        progress: &|_| {},
        remember: &|_| Ok(()),
    };
    assert_eq!(upload.run(None).await.unwrap_err().kind, Kind::Media);
    assert!(shelf.state.lock().unwrap().deleted.is_empty());
}

#[tokio::test]
async fn a_volume_that_is_listed_with_another_digest_is_replaced_once() {
    let mut shelf = Shelf::new(FILE.len());
    shelf.listing = Listing::Different;
    let shelf = Arc::new(shelf);
    let (uploaded, memos, _) = upload(&shelf, None).await;
    uploaded.unwrap_err();
    let volumes: Vec<&String> = memos.iter().filter(|memo| memo.contains(' ')).collect();
    assert_eq!(volumes, ["opened 1", "deleted 1", "opened 2", "deleted 2"]);
}

#[tokio::test]
async fn an_empty_or_missing_file_is_a_media_failure_and_opens_no_volume() {
    let shelf = Arc::new(Shelf::new(0));
    let empty = tempfile::NamedTempFile::new().unwrap();
    for file in [empty.path(), std::path::Path::new("/nowhere/a.iso")] {
        let upload =
            Upload { sink: shelf.clone(), file, digests: None, progress: &|_| {}, remember: &|_| Ok(()) };
        assert_eq!(upload.run(None).await.unwrap_err().kind, Kind::Media);
    }
    assert_eq!(shelf.state.lock().unwrap().opened, 0);
}

#[test]
fn the_hint_of_a_chunk_answer_is_read_in_every_form() {
    for (text, missing) in [
        (r#"{"chunk_num":0,"to_upload":[1,"2"]}"#, Some(vec![1, 2])),
        (r#"{"to_upload":null}"#, Some(vec![])),
        (r#"{}"#, None),
    ] {
        assert_eq!(serde_json::from_str::<Accepted>(text).unwrap().missing, missing, "{text}");
    }
}
