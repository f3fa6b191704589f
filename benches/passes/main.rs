//! Measures the budgets of speed and memory against a simulated organization. Asserts nothing.
//!
//! Every role (the simulated AWS, the product, a bare loop of SDK calls, whoever asks over HTTP) runs in a process of its
//! own, which is this program again, so that each has its own figures for time and memory.

#![expect(clippy::print_stdout, reason = "a program whose result is what it prints")]

mod measure;
mod options;
mod role;
mod stage;
mod table;
mod usage;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use tikv_jemallocator::Jemalloc;

use crate::options::Options;

/// As in the product.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let options = Options::parse();
    let work = async {
        match options.role {
            Some(role) => role.run().await,
            None => run(options).await,
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime");
    match runtime.and_then(|runtime| runtime.block_on(work)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut tables = Vec::new();
    for measurement in options.measurements() {
        let table = measurement.run(&options).await.with_context(|| format!("{measurement:?}"))?;
        println!("{table}\n");
        tables.push(table);
        // After each of them, so that what was measured is kept when a later one fails.
        if let Some(path) = &options.json {
            let text = serde_json::to_string_pretty(&tables)?;
            std::fs::write(path, text).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}
