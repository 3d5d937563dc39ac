use serde_json::json;

use super::*;

const SECRET: &str = "P@ss \"w/rd\"+密码1";

fn redactor() -> Redactor {
    let redactor = Redactor::new();
    redactor.learn(SECRET);
    redactor
}

#[test]
fn a_known_secret_is_masked_in_every_form() {
    let encoded = utf8_percent_encode(SECRET, STRICT).to_string();
    let forms = [
        SECRET.to_owned(),
        json!(SECRET).to_string(),
        json!(json!({ "x": SECRET }).to_string()).to_string(),
        json_ascii(SECRET),
        encoded.clone(),
        lower_escapes(&encoded),
        general_purpose::STANDARD.encode(SECRET),
        general_purpose::URL_SAFE.encode(SECRET),
        "P@ss &quot;w/rd&quot;+密码1".to_owned(),
        "P@ss &#34;w/rd&#34;+密码1".to_owned(),
        SECRET.bytes().map(|byte| format!("{byte:02X}")).collect(),
    ];
    for form in forms {
        let text = redactor().text(&format!("before {form} after"));
        assert!(text.contains(MASK), "{form} stayed in {text}");
        for piece in ["P@ss", "密码", "P%40ss", "w/rd", "w%2"] {
            assert!(!text.contains(piece), "{form}: {text}");
        }
    }
}

#[test]
fn a_secret_is_masked_inside_base64_whatever_stands_before_and_after_it() {
    for before in ["", "a", "ab", "root:", "{\"user\":\"root\",\"password\":\""] {
        let plain = format!("{before}correct-horse\"}}");
        let redactor = Redactor::new();
        redactor.learn("correct-horse");
        let shown = redactor.text(&general_purpose::STANDARD.encode(&plain));
        let (head, tail) = shown.split_once(MASK).unwrap_or_else(|| panic!("{before:?}: {shown}"));
        assert!(head.len() <= plain.len() && tail.len() <= 8, "{shown}");
    }
}

#[test]
fn secret_fields_are_masked_by_name_and_the_rest_stays() {
    let body = json!({
        "username": "root", "password": "a", "repeat": "a", "encrypted": false, "token": "t",
        "host_passwords": [{"user": "root", "password": "c+G6"}],
        "accounts": [{"host": "10.0.0.1", "user": "ADMIN", "password": "x"}],
    });
    assert_eq!(
        Redactor::new().json(&body),
        json!({
            "username": "root", "password": "***", "repeat": "***", "encrypted": false, "token": "***",
            "host_passwords": [{"user": "root", "password": "***"}],
            "accounts": [{"host": "10.0.0.1", "user": "ADMIN", "password": "***"}],
        })
    );
}

#[test]
fn a_numeric_secret_is_masked_as_number_and_key_too() {
    let redactor = Redactor::new();
    redactor.learn("20251126");
    let shown = redactor.json(&json!({ "a": 20251126, "20251126": 1 })).to_string();
    assert!(!shown.contains("20251126"), "{shown}");
}

#[test]
fn what_is_learnt_later_is_masked_later_by_every_clone() {
    let redactor = Redactor::new();
    let clone = redactor.clone();
    redactor.learn("0123456789abcdef");
    assert_eq!(clone.body(b"<html>0123456789abcdef</html>", 100), "<html>***</html>");
}

#[test]
fn a_body_is_cut_only_after_its_secrets_were_taken_out() {
    let redactor = redactor();
    for before in 0..40 {
        for size in [100, 3 << 20] {
            let mut body = vec![b'x'; before];
            body.extend_from_slice(SECRET.as_bytes());
            body.resize(size, b'y');
            let shown = redactor.body(&body, 20);
            assert!(!shown.contains("P@"), "{before}: {shown}");
            assert!(shown.len() < 60, "{shown}");
        }
    }
}

#[test]
fn a_token_of_an_answer_that_ends_too_early_is_masked_by_its_name() {
    let body = br#"{"token":"0123456789abcdef","user_id":"#;
    assert_eq!(Redactor::new().body(body, 100), r#"{"token":"***","user_id":"#);
}

#[test]
fn a_secret_that_json_escapes_is_masked_in_dumps_of_that_json_too() {
    let redactor = Redactor::new();
    redactor.learn("Sec\"ret\\12");
    for before in ["", "a", "ab"] {
        let json = format!("{before}{}", serde_json::json!({"note": "Sec\"ret\\12"}));
        let base64 = general_purpose::STANDARD.encode(&json);
        let shown = redactor.text(&base64);
        assert!(shown.contains(MASK) && shown.len() + 10 < base64.len(), "{shown}");
        let hex: String = json.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!redactor.text(&hex).contains("536563"), "{hex}");
        let page = json.replace('"', "&quot;");
        let url = utf8_percent_encode(&json, NON_ALPHANUMERIC).to_string();
        assert!(!redactor.text(&(page + &url)).contains("Sec"), "{url}");
    }
}

#[test]
fn a_secret_in_utf_16_is_masked_in_what_is_left_of_it_as_text() {
    let redactor = Redactor::new();
    redactor.learn("correct-horse");
    for bytes in [
        "correct-horse".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
        "correct-horse".encode_utf16().flat_map(u16::to_be_bytes).collect(),
    ] {
        let shown = redactor.body(&bytes, 100);
        assert!(shown.contains(MASK), "{shown:?}");
        assert!(!shown.contains("c\0o"), "{shown:?}");
    }
}
