//! Whether a CloudTower is at an address where none should be yet (api-cloudtower §2 "Pre-flight").

use reqwest::Method;
use serde_json::Value;

use super::{TowerReader, rest};
use crate::{
    clients::{http::Answer, problem::Problem, retry::Auth},
    failure::Result,
    messages::message,
};

impl TowerReader {
    /// One look: a CloudTower answers a login without a body in its own form, whatever it thinks of it. Anything
    /// else, and silence, is none.
    ///
    /// # Errors
    /// Something answers that is not trusted, or the transcript cannot be written.
    pub async fn is_cloudtower(&self) -> Result<bool> {
        let doing = message("clients.tower.presence", &[]);
        let call = rest::read_bare("tower.login", doing, Method::GET).polled();
        match self.http.call(&call, &self.site.route, Auth::None, |answer| Ok(is_its_form(answer))).await {
            Ok(is) => Ok(is),
            Err(Problem::NotSent { .. } | Problem::Lost { .. } | Problem::Refused(_)) => Ok(false),
            Err(problem) => self.told(&call, Err(problem)),
        }
    }
}

fn is_its_form(answer: &Answer) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_slice(&answer.body) else { return false };
    [["code", "message"], ["task_id", "data"]]
        .iter()
        .any(|form| form.iter().all(|name| fields.contains_key(*name)))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::clients::dial::Endpoint;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            from: Endpoint::new(Ipv4Addr::LOCALHOST, 443),
            status,
            body: body.as_bytes().to_vec().into(),
            date: None,
            retry_after: None,
            location: None,
            cookies: Vec::new(),
            request_id: None,
        }
    }

    #[test]
    fn a_cloudtower_is_known_by_the_form_of_its_answer() {
        assert!(is_its_form(&answer(404, r#"{"code":"NotFound","message":"Cannot GET","status":404}"#)));
        assert!(is_its_form(&answer(200, r#"{"task_id":null,"data":{"token":"t"}}"#)));
        for body in ["<html>502</html>", r#"{"message":"hello"}"#, r#"["code","message"]"#, ""] {
            assert!(!is_its_form(&answer(200, body)), "{body}");
        }
    }
}
