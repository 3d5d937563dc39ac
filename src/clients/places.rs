//! How many requests may be under way at one host at a time, whichever steps they belong to.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// As many as hosts are asked side by side (api-fisheye §3.1); no document of the site names a limit of its own (I).
const AT_ONE_HOST: usize = 8;

/// The places of every host that was asked so far. Cheap to clone.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<HashMap<IpAddr, Arc<Semaphore>>>>);

impl Places {
    /// Waits for a place at `host`, which is kept as long as what this returns.
    pub async fn take(&self, host: IpAddr) -> Option<OwnedSemaphorePermit> {
        let free = {
            let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            hosts.entry(host).or_insert_with(|| Arc::new(Semaphore::new(AT_ONE_HOST))).clone()
        };
        // Nobody closes the semaphore.
        free.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::clients::{
        http::{Call, Target},
        retry::{Auth, Route},
        testing::{Act, TestSite},
    };
    use crate::text::Text;

    const HOST: [u8; 4] = [10, 0, 0, 1];

    #[test]
    fn a_full_host_keeps_nobody_from_another_one() {
        let places = Places::default();
        let taken: Vec<_> = (0..AT_ONE_HOST).map(|_| places.take(HOST.into()).now_or_never()).collect();
        assert!(taken.iter().all(Option::is_some));
        assert!(places.take(HOST.into()).now_or_never().is_none());
        assert!(places.take([10, 0, 0, 2].into()).now_or_never().is_some());
        drop(taken);
        assert!(places.take(HOST.into()).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_request_to_a_host_that_keeps_many_waiting_leaves_when_one_of_them_has_ended() {
        let site = TestSite::start(|seen| match seen.path.as_str() {
            "/silent" => Act::Hang,
            _ => Act::Answer(200, "", "{}".into()),
        })
        .await;
        let http = site.http();
        let ask = |path: &'static str| {
            let http = http.clone();
            async move {
                let call = Call::read("test", Text::same("asks"), path).polled();
                http.call(&call, &Route::to(Target::http(HOST)), Auth::None, |_| Ok(())).await
            }
        };
        let silent: Vec<_> = (0..AT_ONE_HOST).map(|_| tokio::spawn(ask("/silent"))).collect();
        while site.seen().len() < AT_ONE_HOST {
            tokio::task::yield_now().await;
        }
        ask("/ready").await.unwrap();
        assert!(silent.iter().any(tokio::task::JoinHandle::is_finished));
    }
}
