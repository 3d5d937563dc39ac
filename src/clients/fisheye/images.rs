//! Images: list and removal (api-fisheye §7.1, §7.3).

use reqwest::Method;
use serde::Deserialize;

use super::{Fisheye, Reader, envelope};
use crate::{
    clients::{
        http::Call,
        lenient,
        problem::Problem,
        upload::{Digests, Listing},
    },
    failure::Result,
    messages::message,
};

/// The state of a finished image, mounted or not (§7.1).
const FINISHED: &str = "in-use";

/// An image as listed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Image {
    #[serde(deserialize_with = "lenient::text")]
    pub uuid: String,
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// Bytes.
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub size: Option<u64>,
    /// What a CD-ROM drive needs.
    #[serde(default, deserialize_with = "lenient::text")]
    pub path: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub resource_state: String,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub md5: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub zbs_volume_id: String,
}

impl Image {
    /// Whether it is that very file, whole (§7.2).
    pub fn holds(&self, name: &str, size: u64, md5: &str) -> bool {
        let same = self.md5.as_deref().is_some_and(|listed| listed.eq_ignore_ascii_case(md5));
        same && self.name == name && self.size == Some(size)
    }

    /// What the entry of an upload of ours says about it.
    pub(super) fn listing(&self, name: &str, digests: &Digests) -> Listing {
        match &self.md5 {
            Some(md5) if !md5.is_empty() => match self.holds(name, digests.size, &digests.md5) {
                true => Listing::Whole,
                false => Listing::Different,
            },
            _ if self.resource_state == FINISHED && self.size == Some(digests.size) => Listing::Undigested,
            _ => Listing::Absent,
        }
    }
}

impl Reader {
    pub async fn images(&self) -> Result<Vec<Image>> {
        let call = Call::read("fisheye.image.list", message("clients.doing.images", &[]), "/api/v2/images");
        self.cluster(call, |answer| {
            let list = lenient::list_in(envelope::data(answer)?, "images");
            let list = list.map_err(|why| Problem::unreadable(answer, why))?;
            let images = list.into_iter().map(serde_json::from_value).collect::<serde_json::Result<_>>();
            images.map_err(|why| Problem::unreadable(answer, why))
        })
        .await
    }
}

impl Fisheye {
    /// Removes an image, finished or not; one that is gone already is no error.
    pub async fn delete_image(&self, image_uuid: &str) -> Result<()> {
        let doing = message("clients.doing.delete_image", &[("image", &image_uuid)]);
        let path = format!("/api/v2/images/{image_uuid}");
        let call = Call::write("fisheye.image.delete", doing, Method::DELETE, path);
        self.cluster(call, |answer| match answer.status {
            404 => Ok(()),
            // Its body is not documented: the status decides, unless an envelope says otherwise.
            200..300 if answer.body.trim_ascii().is_empty() => Ok(()),
            _ => envelope::data(answer).map(drop),
        })
        .await
    }
}
