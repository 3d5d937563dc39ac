//! Uploads, and snapshots that a site goes on from.

use serde_json::{Value, json};

use super::*;

#[test]
fn an_upload_is_complete_when_every_chunk_is_stored_and_its_digest_is_known() {
    on_site(QUICK, async |raw| {
        raw.deployed().await;
        let content: Vec<u8> = (0..9_000_000_u32).map(|i| (i % 251) as u8).collect();
        let url = format!("https://{FIRST}/api/v2/images/upload/volume");
        let query = format!("?name=tower.iso&size={}&description=x&device=nfs&task_id=2", content.len());
        let (_, created) = raw.send(Method::POST, &format!("{url}{query}"), None).await;
        assert_eq!((&created["error"], &created["data"]["to_upload"]), (&Value::Null, &json!([0, 1])));
        let volume = created["data"].clone();
        let send = async |client: &Client, number: u64, data: &[u8]| {
            let part = reqwest::multipart::Part::bytes(data.to_vec())
                .file_name("x")
                .mime_str("application/octet-stream")
                .unwrap();
            let form = reqwest::multipart::Form::new().part("file", part);
            let (id, image) =
                (volume["zbs_volume_id"].as_str().unwrap(), volume["image_uuid"].as_str().unwrap());
            let query = format!("zbs_volume_id={id}&chunk_num={number}&image_uuid={image}");
            let url = format!("https://{FIRST}/api/v2/images/upload?{query}");
            let request = client.post(url).header("x-smartx-token", &raw.token).multipart(form);
            request.send().await.unwrap().json::<Value>().await.unwrap()
        };
        let (first, second) = content.split_at(8_388_608);
        assert_eq!(send(&raw.client, 1, &second[1..]).await["ec"], "REST_FORM_ERROR");
        assert_eq!(send(&raw.client, 1, second).await["data"]["to_upload"], json!([0]));
        assert_eq!(send(&raw.client, 1, second).await["data"]["to_upload"], json!([0]));
        let images = format!("https://{FIRST}/api/v2/images");
        assert_eq!(raw.get(&images).await["images"], json!([]));

        let folder = tempfile::tempdir().unwrap();
        let snapshot = folder.path().join("site.json");
        raw.control(Method::POST, "/save", Some(&json!({"path": snapshot}))).await;

        assert_eq!(send(&raw.client, 0, first).await["data"]["to_upload"], json!([]));
        let listed = raw.get(&images).await["images"][0].clone();
        let ledger = raw.site.ledger();
        let entry = ledger.volumes.values().next().unwrap();
        assert_eq!(listed["md5"], json!(entry.md5));
        assert_eq!((entry.chunks_new, entry.chunks_repeated, entry.chunks_refused), (2, 1, 1));
        assert_eq!(entry.bytes, content.len() as u64);

        // The same volume in the site that goes on from the snapshot still lacks its first chunk only.
        let text = std::fs::read_to_string(&snapshot).unwrap();
        let loaded = sim::start(Start::Snapshot(text), SimOptions::default()).await.unwrap();
        assert_eq!(loaded.twin_id(), raw.site.twin_id());
        let chunks = |site: &Running| site.site_state()["volumes"][0]["chunks"].clone();
        assert_eq!((chunks(&loaded), chunks(&raw.site)), (json!(1), json!(2)));
        let client = Raw::reach_client(&loaded);
        assert_eq!(send(&client, 0, first).await["data"]["to_upload"], json!([]));
        assert_eq!(loaded.ledger().volumes.values().next().unwrap().md5, entry.md5);
    });
}

#[test]
fn a_site_goes_on_from_its_snapshot_with_its_sessions_and_effects() {
    run(async {
        let options = || SimOptions { scenario: FaultFile::parse(QUICK).unwrap(), ..SimOptions::default() };
        let mut before = Raw::reach(sim::start(Start::Fresh(Box::new(plan())), options()).await.unwrap());
        before.deployed().await;
        let folder = tempfile::tempdir().unwrap();
        let snapshot = folder.path().join("site.json");
        before.site.save(&snapshot).unwrap();
        let state = before.site.site_state();
        let token = before.token.clone();
        before.site.shutdown().await;

        let text = std::fs::read_to_string(&snapshot).unwrap();
        let mut after = Raw::reach(sim::start(Start::Snapshot(text), SimOptions::default()).await.unwrap());
        after.token = token;
        assert_eq!(after.site.site_state(), state);
        let serial = after.get(&format!("https://{FIRST}/api/v2/tools/license")).await["serial"].clone();
        assert!(serial.is_string());
        assert_eq!(after.site.ledger().deployments.count, 1);
    });
}
