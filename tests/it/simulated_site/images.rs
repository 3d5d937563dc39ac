//! Images of the simulated site: uploaded in chunks, listed when whole, never told apart by their names.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::*;

/// The ids of an upload that has been announced.
pub struct Volume {
    id: String,
    image: String,
    pub path: String,
}

impl Raw {
    pub async fn announce(&self, name: &str, size: usize) -> (Volume, Value) {
        let query = format!("name={name}&size={size}&description=x&device=nfs&task_id=2");
        let url = format!("https://{FIRST}/api/v2/images/upload/volume?{query}");
        let (_, created) = self.send(Method::POST, &url, None).await;
        assert_eq!((&created["ec"], &created["error"]), (&json!("EOK"), &Value::Null), "{created}");
        let text = |name: &str| created["data"][name].as_str().unwrap().to_owned();
        let volume =
            Volume { id: text("zbs_volume_id"), image: text("image_uuid"), path: text("image_path") };
        (volume, created["data"]["to_upload"].clone())
    }

    pub async fn chunk(&self, volume: &Volume, number: usize, data: &[u8]) -> Value {
        let part = Part::bytes(data.to_vec()).file_name("x").mime_str("application/octet-stream").unwrap();
        let query = format!("zbs_volume_id={}&chunk_num={number}&image_uuid={}", volume.id, volume.image);
        let url = format!("https://{FIRST}/api/v2/images/upload?{query}");
        let request = self.client.post(url).header("x-smartx-token", &self.token);
        request.multipart(Form::new().part("file", part)).send().await.unwrap().json().await.unwrap()
    }

    /// A complete image of two chunks; its path.
    pub async fn image(&self, name: &str) -> String {
        let content = vec![7; 5000];
        let (volume, _) = self.announce(name, content.len()).await;
        for (number, chunk) in content.chunks(4096).enumerate() {
            self.chunk(&volume, number, chunk).await;
        }
        volume.path
    }

    async fn images(&self) -> Vec<Value> {
        let listed = self.get(&format!("https://{FIRST}/api/v2/images")).await;
        listed["images"].as_array().unwrap().clone()
    }
}

/// Chunks of 4 KiB, and no time for anything that is not the subject.
pub const SMALL: &str = "[site.uploads]\nchunk_size = 4096\n\
     [durations]\nhost_scan = 0\ndeploy_answer = 0\nvlan_create = 0\ncpu_model = 0\nchunk = 0\n";

#[test]
fn an_image_is_listed_with_size_and_digest_only_when_its_last_chunk_has_come() {
    on_site(SMALL, async |raw| {
        raw.deployed().await;
        let content: Vec<u8> = (0..10_000_u32).map(|i| (i % 251) as u8).collect();
        let (volume, missing) = raw.announce("tower.iso", content.len()).await;
        assert_eq!(missing, json!([0, 1, 2]));
        let chunks: Vec<&[u8]> = content.chunks(4096).collect();
        assert_eq!(raw.chunk(&volume, 2, chunks[2]).await["data"]["to_upload"], json!([0, 1]));
        assert_eq!(raw.chunk(&volume, 0, chunks[0]).await["data"]["to_upload"], json!([1]));
        assert!(raw.images().await.is_empty());
        assert_eq!(raw.chunk(&volume, 1, chunks[1]).await["data"]["to_upload"], json!([]));
        let listed = &raw.images().await[0];
        assert_eq!((&listed["name"], &listed["size"]), (&json!("tower.iso"), &json!(10_000)));
        assert_eq!((&listed["path"], &listed["resource_state"]), (&json!(volume.path), &json!("in-use")));
        // md5sum of the 10 000 bytes above, computed outside this project.
        assert_eq!(listed["md5"], "bbf1c77538f97ceeb1e03126edaa3594");
        assert!(raw.site.ledger().breaches.is_empty());
    });
}

#[test]
fn two_images_of_one_name_live_side_by_side_and_each_is_deleted_once() {
    on_site(SMALL, async |raw| {
        raw.deployed().await;
        raw.image("tower.iso").await;
        raw.image("tower.iso").await;
        let images = raw.images().await;
        assert!(images.len() == 2 && images[0]["uuid"] != images[1]["uuid"]);
        let url = format!("https://{FIRST}/api/v2/images/{}", images[0]["uuid"].as_str().unwrap());
        let statuses = [
            raw.send(Method::DELETE, &url, None).await.0.as_u16(),
            raw.send(Method::DELETE, &url, None).await.0.as_u16(),
        ];
        assert_eq!(statuses, [200, 404]);
        assert_eq!(raw.images().await, images[1..]);
    });
}

#[test]
fn an_image_of_somebody_else_is_listed_and_counted_nowhere() {
    let old = "[[site.images]]\nname = 'tower.iso'\nsize = 5000\nmd5 = 'b6d81b360a5672d80c27430f39153e2c'\n";
    on_site(&format!("{SMALL}{old}"), async |raw| {
        raw.deployed().await;
        raw.image("tower.iso").await;
        let images = raw.images().await;
        assert_eq!((images.len(), &images[0]["md5"]), (2, &json!("b6d81b360a5672d80c27430f39153e2c")));
        assert_eq!(raw.site.ledger().volumes.len(), 1);
    });
}

#[test]
fn a_chunk_that_does_not_fit_is_refused_and_counted() {
    on_site(SMALL, async |raw| {
        raw.deployed().await;
        let (volume, _) = raw.announce("tower.iso", 5000).await;
        for (number, length) in [(0, 4095), (1, 4096), (2, 1)] {
            let answer = raw.chunk(&volume, number, &vec![0; length]).await;
            assert_eq!(answer["ec"], "REST_FORM_ERROR", "chunk {number} of {length} bytes: {answer}");
        }
        let other = Volume { image: volume.id.clone(), id: volume.id.clone(), path: String::new() };
        assert_eq!(raw.chunk(&other, 1, &[0; 904]).await["ec"], "REST_FORM_ERROR");
        let entry = raw.site.ledger().volumes.into_values().next().unwrap();
        assert_eq!((entry.chunks_refused, entry.chunks_new, entry.open), (3, 0, true));
    });
}
