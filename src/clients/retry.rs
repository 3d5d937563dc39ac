//! The one retry rule: which calls are repeated, when, at which address, and the second login.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::future::BoxFuture;

use super::{
    http::{Answer, Call, Http, Target},
    problem::Problem,
    wire::Class,
};
use crate::secret::Secret;

/// Attempts of one read, the first included.
const ATTEMPTS: u32 = 4;
/// Pause after the first failed attempt; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The addresses of one service in order of preference; the one that answered last is kept until it
/// stops accepting connections.
#[derive(Debug)]
pub struct Route {
    preferred: Target,
    others: Vec<Target>,
    /// 0 is the preferred one, `n` the n-th other.
    current: AtomicUsize,
}

impl Route {
    pub fn new(preferred: Target, others: Vec<Target>) -> Self {
        Self { preferred, others, current: AtomicUsize::new(0) }
    }

    pub fn to(target: Target) -> Self {
        Self::new(target, Vec::new())
    }

    fn all(&self) -> impl Iterator<Item = (usize, Target)> + '_ {
        std::iter::once(self.preferred).chain(self.others.iter().copied()).enumerate()
    }

    /// Where the next request goes.
    pub(super) fn target(&self) -> Target {
        self.current().1
    }

    fn current(&self) -> (usize, Target) {
        let current = self.current.load(Ordering::Relaxed);
        self.all().find(|(at, _)| *at == current).unwrap_or((0, self.preferred))
    }
}

/// Tokens for a call.
pub trait Session: Send + Sync {
    /// The header the token travels in.
    fn header(&self) -> &'static str;

    /// A token; never the one that was just `refused`. Logs in by way of `route` where needed.
    fn token<'a>(
        &'a self,
        http: &'a Http,
        route: &'a Route,
        refused: Option<&'a Secret<String>>,
    ) -> BoxFuture<'a, Result<Secret<String>, Problem>>;
}

/// How a call proves who it is.
#[derive(Clone, Copy)]
pub enum Auth<'a> {
    None,
    /// A token that never changes: header and value. A 401 is final.
    Fixed(&'static str, &'a Secret<String>),
    /// A session; a 401 or 403 leads to one new login and one repetition (api-fisheye §2).
    Session(&'a dyn Session),
}

impl Http {
    /// Makes `call` over `route` and reads its answer with `read`, as its class allows.
    ///
    /// A connection that did not come about leads to the next address of the route in every class,
    /// because nothing was sent. A request that got 401 had no effect and is repeated in every class.
    pub async fn call<T>(
        &self,
        call: &Call,
        route: &Route,
        auth: Auth<'_>,
        read: impl Fn(&Answer) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let mut refused: Option<Secret<String>> = None;
        let mut attempt = 1;
        loop {
            let held;
            let token = match auth {
                Auth::None => None,
                Auth::Fixed(name, token) => Some((name, token)),
                Auth::Session(session) => {
                    held = session.token(self, route, refused.as_ref()).await?;
                    Some((session.header(), &held))
                }
            };
            let (problem, unauthorised) = match self.over(call, route, token, attempt).await {
                Ok(answer) => match read(&answer) {
                    Ok(result) => return Ok(result),
                    // Some services say it in the body of a success (graphql-operations §1).
                    Err(problem) => {
                        let said = matches!(&problem, Problem::Refused(refused) if matches!(refused.status, 401 | 403));
                        (problem, said || matches!(answer.status, 401 | 403))
                    }
                },
                Err(problem) => (problem, false),
            };
            if let (Auth::Session(_), Some((_, token)), None, true) = (auth, token, &refused, unauthorised) {
                refused = Some(token.clone());
                continue;
            }
            if call.class != Class::Read || !call.retried || attempt >= ATTEMPTS || !problem.passes() {
                return Err(problem);
            }
            self.pause(problem.pause(FIRST_PAUSE * 2u32.pow(attempt - 1))).await;
            attempt += 1;
        }
    }

    async fn over(
        &self,
        call: &Call,
        route: &Route,
        token: Option<(&'static str, &Secret<String>)>,
        attempt: u32,
    ) -> Result<Answer, Problem> {
        let (current, target) = route.current();
        let unreachable = match self.send(call, target, token, attempt).await {
            Err(problem @ Problem::NotSent { .. }) => problem,
            result => return result,
        };
        for (at, target) in route.all().filter(|(at, _)| *at != current) {
            match self.send(call, target, token, attempt).await {
                Err(Problem::NotSent { .. }) => {}
                result => {
                    route.current.store(at, Ordering::Relaxed);
                    return result;
                }
            }
        }
        // The address that was expected to answer is the one worth naming.
        Err(unreachable)
    }
}

#[cfg(test)]
mod tests;
