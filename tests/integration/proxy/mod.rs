//! A recording proxy before the emulator: it knows who asked AWS for what, and breaks things on request.

mod call;
mod fault;

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{
        HeaderMap, Request, Response,
        header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING},
    },
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, runtime::Runtime, task::JoinSet, time::sleep};

pub(crate) use self::{
    call::Call,
    fault::{Fault, Then},
};
use crate::emulator::{Emulator, Seed};

/// A proxy on a free loopback port, ended when dropped.
pub(crate) struct Proxy {
    endpoint: String,
    records: Arc<Mutex<Records>>,
    /// Its own threads, so that tests may block. Some until dropped.
    runtime: Option<Runtime>,
}

/// Names a fault that was set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FaultId(usize);

#[derive(Default)]
struct Records {
    /// By order of arrival.
    calls: BTreeMap<u64, Call>,
    arrived: u64,
    /// Account by access key.
    accounts: BTreeMap<String, String>,
    /// With how many requests each has counted, those that it let pass included; none once healed.
    faults: Vec<Option<(Fault, u32)>>,
}

impl Proxy {
    /// Starts a proxy before `emulator` that knows the central account's credentials.
    pub(crate) fn start(emulator: &Emulator, seed: &Seed) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads can be started");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a loopback port is free");
        let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
        let records = Arc::<Mutex<Records>>::default();
        let relay = Arc::new(Relay {
            records: Arc::clone(&records),
            upstream: emulator.endpoint().to_owned(),
            client: reqwest::Client::builder().no_proxy().build().expect("a plain client can be built"),
        });
        runtime.spawn(accept(listener, relay));
        let proxy = Self { endpoint, records, runtime: Some(runtime) };
        proxy.know(&seed.central_credentials.access_key_id, &seed.central_account_id);
        proxy
    }

    /// Where it listens: the `AWS_ENDPOINT_URL` of what is tested.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Tells whose an access key is. Keys that AssumeRole answers are learned in passing.
    pub(crate) fn know(&self, access_key: &str, account: &str) {
        lock(&self.records).accounts.insert(access_key.to_owned(), account.to_owned());
    }

    /// All calls since the start or the last `clear`, in order of arrival.
    pub(crate) fn calls(&self) -> Vec<Call> {
        lock(&self.records).calls.values().cloned().collect()
    }

    /// The calls that could have changed something.
    pub(crate) fn writes(&self) -> Vec<Call> {
        self.calls().into_iter().filter(Call::is_write).collect()
    }

    /// The calls with an account's credentials, and those that ask for such credentials.
    pub(crate) fn for_account(&self, id: &str) -> Vec<Call> {
        let concerns = |call: &Call| {
            call.account.as_deref() == Some(id) || call.assumed_account().as_deref() == Some(id)
        };
        self.calls().into_iter().filter(concerns).collect()
    }

    /// Forgets the calls so far; what it knows about keys and faults stays.
    pub(crate) fn clear(&self) {
        lock(&self.records).calls.clear();
    }

    /// Injects a fault from now on. Of several that meet a request, the one set first counts.
    pub(crate) fn fault(&self, fault: Fault) -> FaultId {
        let faults = &mut lock(&self.records).faults;
        faults.push(Some((fault, 0)));
        FaultId(faults.len() - 1)
    }

    /// Ends a fault; answers how many requests it has met.
    pub(crate) fn heal(&self, id: FaultId) -> u32 {
        let healed = lock(&self.records).faults[id.0].take();
        let (fault, counted) = healed.expect("a fault is healed once");
        fault.met(counted)
    }

    /// How many requests a fault has met so far.
    pub(crate) fn met(&self, id: FaultId) -> u32 {
        lock(&self.records).faults[id.0].as_ref().map_or(0, |(fault, counted)| fault.met(*counted))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A panic elsewhere leaves nothing half done here.
fn lock(records: &Mutex<Records>) -> MutexGuard<'_, Records> {
    records.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, relay: Arc<Relay>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.expect("a loopback listener accepts");
        let relay = Arc::clone(&relay);
        connections.spawn(async move {
            let service = service_fn(move |request| Arc::clone(&relay).answer(request));
            // An error here is a client that went away, or a fault that hung up on it.
            let _closed = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Makes hyper close the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection closes without an answer")]
struct HangUp;

struct Relay {
    records: Arc<Mutex<Records>>,
    upstream: String,
    client: reqwest::Client,
}

impl Relay {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, HangUp> {
        let (head, body) = request.into_parts();
        // Who hangs up in the middle of a request has not made one.
        let body = to_bytes(Body::new(body), usize::MAX).await.map_err(|_| HangUp)?;
        let text = String::from_utf8_lossy(&body).into_owned();
        let mut call = Call::read(&head.uri, &head.headers, text);
        let (number, fault) = lock(&self.records).arrive(&mut call);
        let request = Request::from_parts(head, body);
        let response = match fault {
            None => self.forward(request, &call).await?,
            Some(Then::Delay(time)) => {
                sleep(time).await;
                self.forward(request, &call).await?
            }
            Some(Then::Respond { status, code, message }) => {
                fault::error(request.headers(), status, code, message)
            }
            Some(Then::Answer { status, body }) => fault::answer(request.headers(), status, body),
            Some(Then::Drop) => return Err(HangUp),
            Some(Then::LoseAnswer) => {
                self.forward(request, &call).await?;
                return Err(HangUp);
            }
        };
        if let Some(call) = lock(&self.records).calls.get_mut(&number) {
            call.status = Some(response.status().as_u16());
        }
        Ok(response)
    }

    async fn forward(&self, request: Request<Bytes>, call: &Call) -> Result<Response<Body>, HangUp> {
        let (head, body) = request.into_parts();
        let request = self
            .client
            .request(head.method, format!("{}{}", self.upstream, head.uri))
            .headers(end_to_end(head.headers))
            .body(body);
        let answer = async {
            let answer = request.send().await?;
            Ok::<_, reqwest::Error>((answer.status(), answer.headers().clone(), answer.bytes().await?))
        };
        // The emulator has ended before the one who asks.
        let (status, headers, body) = answer.await.map_err(|_| HangUp)?;
        if let Some(account) = call.assumed_account()
            && let Some(access_key) = issued_access_key(&String::from_utf8_lossy(&body))
        {
            lock(&self.records).accounts.insert(access_key, account);
        }
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        *response.headers_mut() = end_to_end(headers);
        Ok(response)
    }
}

impl Records {
    /// Records the call, completed with its account; answers its number and what shall go wrong with it.
    fn arrive(&mut self, call: &mut Call) -> (u64, Option<Then>) {
        call.account = self.accounts.get(&call.access_key).cloned();
        let number = self.arrived;
        self.arrived += 1;
        self.calls.insert(number, call.clone());
        for (fault, counted) in self.faults.iter_mut().flatten().filter(|(fault, _)| fault.concerns(call)) {
            let due = fault.is_due(*counted);
            if due || fault.lets_pass(*counted) {
                *counted += 1;
            }
            if due {
                return (number, Some(fault.then.clone()));
            }
        }
        (number, None)
    }
}

/// Without the headers that are about one connection only.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers
}

/// The access key in the answer of an AssumeRole; none in an error.
fn issued_access_key(answer: &str) -> Option<String> {
    let (_, rest) = answer.split_once("<AccessKeyId>")?;
    Some(rest.split_once("</AccessKeyId>")?.0.to_owned())
}
