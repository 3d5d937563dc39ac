//! Application packages uploaded by REST: a form per chunk, the first of which makes the task.

use reqwest::multipart::Form;

use super::{
    packages::{PROMPT, content, octets, sha256},
    *,
};

impl Raw {
    /// One chunk by REST, whatever comes.
    async fn rest_chunk(&self, file: &str, size: usize, bytes: &[u8], task: Option<&Value>) -> (u16, Value) {
        let form = Form::new()
            .part("file", octets(bytes, "blob"))
            .text("name", file.to_owned())
            .text("size", size.to_string())
            .text("size_unit", "B");
        let form = match task {
            Some(id) => form.text("upload_task_id", id.as_str().unwrap().to_owned()),
            None => form,
        };
        let url = tower_url("upload-cloudtower-application-package");
        let (status, answer) = self.form(&url, form).await;
        if status == 200 {
            contract::check_answer(&url, &answer);
        }
        (status, answer)
    }
}

#[test]
fn by_rest_the_first_chunk_makes_the_task() {
    const PACKAGE: &str = "SFS-X86_64-v1.1.0-release.20250801-12.tar.gz";
    let chunk = 8 << 20;
    on_tower(PROMPT, async |raw| {
        raw.tower_set_up().await;
        let content = content(chunk + 100);
        let (status, answer) = raw.rest_chunk(PACKAGE, content.len(), &content[..chunk], None).await;
        assert_eq!(status, 200, "{answer}");
        let task = answer[0].clone();
        assert_eq!((&task["status"], &task["chunk_size"]), (&json!("UPLOADING"), &json!(chunk)));
        let wrong = raw.rest_chunk(PACKAGE, content.len() + 1, &content[chunk..], Some(&task["id"])).await;
        assert_eq!(wrong.0, 400, "another size");
        let (_, answer) = raw.rest_chunk(PACKAGE, content.len(), &content[chunk..], Some(&task["id"])).await;
        assert_eq!((&answer[0]["status"], &answer[0]["current_chunk"]), (&json!("SUCCESSED"), &json!(2)));
        raw.pass(6).await;
        let listed = raw.rest("get-cloudtower-application-packages", &json!({})).await;
        assert_eq!((&listed[0]["version"], &listed[0]["architecture"]), (&json!("1.1.0"), &json!("X86_64")));
        let uploaded = raw.uploaded();
        assert_eq!((uploaded.protocol.as_str(), uploaded.sha256), ("rest", sha256(&content)));
        assert_eq!(raw.site.ledger().breaches.len(), 0);
        let registered = raw.site.site_state()["cloudtower"]["packages"]["registered"].clone();
        assert_eq!(registered[0]["filename"], PACKAGE);
        let logged = raw.site.requests().into_iter().rev();
        let logged = logged.map(|request| request.body).find(|body| body["file"].is_string()).unwrap();
        assert_eq!((&logged["file"], &logged["name"]), (&json!("100 bytes"), &json!(PACKAGE)));
    });
}

#[test]
fn by_rest_another_chunk_length_is_told_the_right_one_and_then_refused() {
    const PACKAGE: &str = "SKS-X86_64-v1.3.0.tar.gz";
    on_tower(PROMPT, async |raw| {
        raw.tower_set_up().await;
        let size = (8 << 20) + 100;
        let content = content(8192);
        let (status, answer) = raw.rest_chunk(PACKAGE, size, &content[..4096], None).await;
        assert_eq!((status, &answer[0]["chunk_size"]), (200, &json!(8 << 20)));
        let id = &answer[0]["id"];
        assert_eq!(raw.rest_chunk(PACKAGE, size, &content[4096..], Some(id)).await.0, 400);
        raw.rest("cancel-upload-task", &json!({"where": {"id": id}})).await;
        assert_eq!(raw.rest_chunk(PACKAGE, size, &content, Some(id)).await.0, 404);
        let (status, _) = raw.rest_chunk("ER-X86_64-v4.1.0.tar.gz", 4096, &content[..4096], None).await;
        assert_eq!(status, 400, "Everoute has no upload here");
    });
}

#[test]
fn by_rest_a_site_may_take_no_package_at_all() {
    let scenario = "[site.tower]\ninstalled = true\n[site.tower.packages]\n\
                    rest_refusal = { message = 'SIM: not this kind', after_chunks = 1 }\n\
                    present = [{ name = 'sim-file-storage', version = '1.0.0', architecture = 'AARCH64' }]\n\
                    everoute = [{ version = '4.0.1', architecture = 'X86_64' }]\n\
                    [durations]\nhost_scan = 0\ndeploy_answer = 0\n";
    on_tower(scenario, async |raw| {
        raw.tower_set_up().await;
        let content = content(8 << 20);
        let name = "SFS-X86_64-v1.1.0.tar.gz";
        let (_, answer) = raw.rest_chunk(name, content.len() + 1, &content, None).await;
        let (status, refused) = raw.rest_chunk(name, content.len() + 1, &[1], Some(&answer[0]["id"])).await;
        assert_eq!((status, &refused["message"]), (400, &json!("SIM: not this kind")));
        let listed = raw.rest("get-cloudtower-application-packages", &json!({})).await;
        assert_eq!((listed.as_array().unwrap().len(), &listed[0]["architecture"]), (1, &json!("AARCH64")));
        assert_eq!(raw.rest("get-everoute-packages", &json!({})).await[0]["version"], "4.0.1");
        assert_eq!(raw.rest("get-everoute-clusters", &json!({})).await, json!([]));
    });
}

#[test]
fn by_rest_a_form_is_held_to_its_parts() {
    on_tower(PROMPT, async |raw| {
        raw.tower_set_up().await;
        let file = || octets(&[0x1f, 0x8b], "blob");
        let name = "SFS-X86_64-v1.1.0.tar.gz";
        for form in [
            Form::new().text("name", name).text("size", "2"),
            Form::new().part("file", file()).text("size", "2"),
            Form::new().part("file", file()).text("name", name),
            Form::new().part("file", file()).text("name", name).text("size", "two"),
            Form::new().part("file", file()).text("name", name).text("size", "2").text("size_unit", "MB"),
            Form::new().part("file", file()).text("name", name).text("size", "2").text("more", "1"),
            Form::new().part("file", file()).text("name", name).text("size", "2").text("size", "2"),
        ] {
            let before = raw.site.ledger().breaches.len();
            let (status, _) = raw.form(&tower_url("upload-cloudtower-application-package"), form).await;
            assert_eq!((status, raw.site.ledger().breaches.len()), (400, before + 1));
        }
        assert!(raw.site.ledger().packages.is_empty());
    });
}
