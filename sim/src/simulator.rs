//! The simulator: one world behind a lock, asked by HTTP requests.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Map, Value};

use crate::call::{Call, Caller, Refusal, Service};
use crate::fault::Decision;
use crate::service::sqs;
use crate::world::World;
use crate::{admin, dispatch, service, trail, wire};

/// How an answer gets back to who asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// As it is.
    #[default]
    Whole,
    /// Its second half is missing, and the connection ends.
    Truncated,
    /// The connection is reset instead.
    Reset,
    /// Nothing comes back, and the connection stays open.
    Silent,
}

/// An answer, and how it gets back.
#[derive(Debug)]
pub struct Reply {
    /// The answer.
    pub response: Response<Bytes>,
    /// How it gets back.
    pub transport: Transport,
}

/// A world that can be asked. Copies are handles of the same world.
#[derive(Clone)]
pub struct Simulator {
    world: Arc<Mutex<World>>,
    watcher: Arc<Mutex<Option<Watcher>>>,
}

/// Told of each call right after it was performed or refused, before anything else happens in the world.
type Watcher = Box<dyn FnMut(&World, &Call, &Result<Value, Refusal>) + Send>;

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").finish_non_exhaustive()
    }
}

impl Simulator {
    /// A simulator of that world.
    pub fn new(world: World) -> Self {
        Self { world: Arc::new(Mutex::new(world)), watcher: Arc::default() }
    }

    /// The world itself, locked: nothing happens in it until the guard is dropped. What time alone has brought since it
    /// was last looked at has happened before.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        service::cloudwatch::settle(&mut world);
        world
    }

    /// Tells `watcher` of each call from now on; the former one is told no more.
    pub fn watch(&self, watcher: impl FnMut(&World, &Call, &Result<Value, Refusal>) + Send + 'static) {
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(watcher));
    }

    /// Performs one call at once, as `caller`: no wire, no latency, no faults; journalled and seen like any other.
    ///
    /// # Errors
    /// What AWS answers to a call that it refuses.
    pub fn ask(
        &self,
        caller: &Caller,
        service: Service,
        region: &str,
        operation: &str,
        input: Map<String, Value>,
    ) -> Result<Value, Refusal> {
        let call = {
            let mut world = self.world();
            Arc::new(Call {
                service,
                operation: operation.to_owned(),
                input,
                region: region.to_owned(),
                caller: caller.clone(),
                request_id: world.uuid(),
                at: world.now(),
            })
        };
        self.perform(&call, None)
    }

    /// Performs the call, or refuses it with what the faults say; such a refusal may leave no trace on CloudTrail.
    fn perform(&self, call: &Arc<Call>, refusal: Option<(Refusal, bool)>) -> Result<Value, Refusal> {
        let mut world = self.world();
        let result = match refusal {
            Some((refusal, traceless)) => {
                let refused = Err(refusal);
                world.journal.record(call, &refused);
                if !traceless {
                    trail::emit(&mut world, call, &refused);
                }
                refused
            }
            None => carry_out(&mut world, call),
        };
        if let Some(watcher) = &mut *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) {
            watcher(&world, call, &result);
        }
        result
    }

    /// Answers one request: of AWS's protocols, or of the admin interface.
    ///
    /// A call takes effect after half of its delay, so an answer may be late for what it tells.
    pub async fn handle(&self, request: Request<Bytes>) -> Reply {
        let mut reply = self.reply(request).await;
        // By this world's clock, by which clients may notice that theirs is off.
        let date = self.world().now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        if let Ok(date) = date.parse() {
            reply.response.headers_mut().insert(http::header::DATE, date);
        }
        reply
    }

    async fn reply(&self, request: Request<Bytes>) -> Reply {
        if request.uri().path().starts_with("/admin") {
            return Reply { response: admin::handle(self, &request), transport: Transport::Whole };
        }
        let (protocol, incoming) = match wire::read(&request) {
            Ok(read) => read,
            Err((protocol, refusal)) => return Reply::whole(wire::refuse(protocol, "unknown", &refusal)),
        };
        let (call, decision) = {
            let mut world = self.world();
            match dispatch::identify(&mut world, incoming) {
                Ok(call) => {
                    let World { faults, rng, .. } = &mut *world;
                    let decision = faults.decide(&call, rng);
                    (Arc::new(call), decision)
                }
                Err(refusal) => return Reply::whole(wire::refuse(protocol, "unknown", &refusal)),
            }
        };
        let Decision { delay, refusal, transport, traceless, in_progress } = decision;
        let _in_progress = in_progress.then(|| InProgress { simulator: self, call: &call });
        sleep(delay / 2).await;
        self.wait_for_message(&call).await;
        let result = self.perform(&call, refusal.map(|refusal| (refusal, traceless)));
        sleep(delay - delay / 2).await;
        Reply { response: respond(protocol, &call, &result), transport }
    }
}

impl Simulator {
    /// Waits until a call that would rather wait than receive nothing has something to receive, or has waited enough.
    async fn wait_for_message(&self, call: &Call) {
        let (patience, arrivals) = {
            let world = self.world();
            (sqs::patience(&world, call), Arc::clone(&world.arrivals))
        };
        let until = tokio::time::Instant::now() + patience;
        while tokio::time::Instant::now() < until {
            // Before the look, so that what arrives after it is not missed.
            let arrived = arrivals.notified();
            if sqs::patience(&self.world(), call).is_zero() {
                break;
            }
            // Messages that were hidden come back without arriving.
            let look_again = until.min(tokio::time::Instant::now() + LOOK_AGAIN);
            tokio::select! {
                () = arrived => {}
                () = tokio::time::sleep_until(look_again) => {}
            }
        }
    }
}

/// How often somebody who waits for a message looks for one that was hidden.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

/// Performs a call, and leaves its traces in the journal and on CloudTrail.
pub(crate) fn carry_out(world: &mut World, call: &Arc<Call>) -> Result<Value, Refusal> {
    let result = dispatch::perform(world, call);
    world.journal.record(call, &result);
    trail::emit(world, call, &result);
    result
}

/// A call whose end the faults wait for: that comes also when its client leaves and the answer is dropped.
struct InProgress<'a> {
    simulator: &'a Simulator,
    call: &'a Call,
}

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.simulator.world().faults.finished(self.call);
    }
}

fn respond(protocol: wire::Protocol, call: &Call, result: &Result<Value, Refusal>) -> Response<Bytes> {
    match result {
        Ok(output) => wire::answer(protocol, call, output),
        Err(refusal) => wire::refuse(protocol, &call.request_id, refusal),
    }
}

async fn sleep(delay: std::time::Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

impl Reply {
    fn whole(response: Response<Bytes>) -> Self {
        Self { response, transport: Transport::Whole }
    }
}
