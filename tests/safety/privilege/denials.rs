//! Notes every call of a role that is refused for want of a right.

use std::sync::{Arc, Mutex};

use orgwatch_sim::Simulator;
use orgwatch_sim::call::{Call, Principal, Refusal, Service};
use tokio::sync::Notify;

/// The codes by which the services refuse what the caller has no right to.
const CODES: [&str; 3] = ["AccessDenied", "AccessDeniedException", "AuthorizationError"];

/// Whether a call was refused because its caller may not make it.
pub(crate) fn is_denial(refusal: &Refusal) -> bool {
    CODES.contains(&refusal.code.as_str())
}

/// The refused calls of roles; of people who try nothing that they may not, there are none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Denials {
    found: Arc<Mutex<Vec<String>>>,
    news: Arc<Notify>,
}

impl Denials {
    /// Begins to note the refusals of a simulator.
    pub(crate) fn of(simulator: &Simulator) -> Self {
        let denials = Self::default();
        let noting = denials.clone();
        simulator.watch(move |_, call, result| {
            if let (Err(refusal), Principal::Session(session)) = (result, &call.caller.principal)
                && is_denial(refusal)
            {
                let told = format!("{} of {}: {}", name(call), session.role_name, refusal.message);
                noting.found.lock().unwrap().push(told);
                noting.news.notify_one();
            }
        });
        denials
    }

    /// What was refused so far.
    pub(crate) fn found(&self) -> Vec<String> {
        self.found.lock().unwrap().clone()
    }

    /// Waits for the first refusal.
    pub(crate) async fn first(&self) -> String {
        loop {
            if let Some(first) = self.found().into_iter().next() {
                return first;
            }
            self.news.notified().await;
        }
    }
}

fn name(call: &Call) -> String {
    let role = match call.service {
        Service::Sts => format!(" into {}", call.text("RoleArn").unwrap_or_default()),
        _ => String::new(),
    };
    format!("{}:{}{role}", call.service, call.operation)
}
