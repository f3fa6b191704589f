//! The harness itself: what the other tests take for granted.

mod drifts;
mod faults;
mod process;
mod recording;

use crate::{
    emulator::{Emulator, Seed},
    proxy::Proxy,
};

/// The smallest organization, seen through a proxy.
fn small_organization() -> (Emulator, Seed, Proxy) {
    let emulator = Emulator::start();
    let seed = emulator.seed(6);
    let proxy = Proxy::start(&emulator, &seed);
    (emulator, seed, proxy)
}

#[test]
fn the_seed_has_every_sort_of_account() {
    let seed = Emulator::start().seed(30);
    let root = &seed.root_id;
    assert!(seed.organization_id.starts_with("o-") && root.starts_with("r-"));
    let by_id = |id: &str| seed.accounts.iter().find(|account| account.id == id).expect("it is listed");
    assert_eq!(seed.accounts.len(), 30);
    assert_eq!(by_id(&seed.closed_account_id).state, "SUSPENDED");
    assert_eq!(by_id(&seed.excluded_account_id).tags["orgwatch"], "off");
    assert_eq!((seed.covered().count(), seed.members().count()), (28, 26));
    let nested = seed.members().find(|account| account.name == "payments-01").expect("it is listed");
    let ou = |name: &str| seed.ous[name].clone();
    assert_eq!(nested.path, [root.clone(), ou("Workloads"), ou("Production"), ou("Payments")]);
}

#[test]
fn an_account_joins_the_organization_that_is_there() {
    let (emulator, seed, _proxy) = small_organization();
    let newcomer = emulator.add_account("newcomer");
    assert_eq!((newcomer.name.as_str(), newcomer.path), ("newcomer", vec![seed.root_id]));
    assert!(seed.accounts.iter().all(|account| account.id != newcomer.id));
}
