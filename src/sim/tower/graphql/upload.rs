//! The multipart convention of GraphQL: the request, a map of its files, then the files (api-applications §3.2).

use serde_json::{Value, json};

use super::{
    super::super::{exchange::Call, multipart},
    Body,
};

/// The JSON of a request, wherever it lies.
pub fn json(call: &Call) -> Option<&[u8]> {
    if multipart::is_form(call) {
        return multipart::parts(call).ok()?.first().map(|part| part.data);
    }
    Some(&call.body)
}

/// The request. Errors: it is not of the known form; a frame that is not exactly the captured one.
pub fn body(call: &Call) -> Result<Body, String> {
    let read = |text: &[u8]| serde_json::from_slice::<Body>(text).map_err(|error| error.to_string());
    if !multipart::is_form(call) {
        return read(&call.body);
    }
    let parts = multipart::parts(call)?;
    let [operations, map, file] = parts.as_slice() else {
        return Err(format!("{} parts, not operations, map and one file", parts.len()));
    };
    let names = [&operations.name, &map.name, &file.name];
    if names != ["operations", "map", "1"] {
        return Err(format!("parts in the order {names:?}"));
    }
    for words in [operations, map] {
        if words.content_type.as_deref().is_some_and(|kind| !kind.starts_with("application/json")) {
            return Err(format!("part {} has the content type {:?}", words.name, words.content_type));
        }
    }
    let places: Value = serde_json::from_str(map.text()?).map_err(|error| format!("map: {error}"))?;
    if places != json!({"1": ["variables.data.file"]}) {
        return Err(format!("map {places} does not name variables.data.file"));
    }
    if file.filename.as_deref() != Some("blob") || file.file()?.is_empty() {
        return Err("the file is empty, or not called blob".to_owned());
    }
    let mut body = read(operations.text()?.as_bytes())?;
    let place = body.variables.get_mut("data").and_then(|data| data.get_mut("file"));
    // In the place of the file stands null, and whoever reads on is to see that there is one.
    *place.filter(|place| place.is_null()).ok_or("variables.data.file must be null")? = json!("1");
    Ok(body)
}
