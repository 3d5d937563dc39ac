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
    assert_eq!(clone.body(b"<html>0123456789abcdef</html>"), "<html>***</html>");
}
