//! The measurements, one file each.

mod audit;
mod calls;
mod http;
mod passes;
mod process;
mod single;

use crate::options::{Measurement, Options};
use crate::table::Table;

impl Measurement {
    /// Measures, and says what came out.
    pub(crate) async fn run(self, options: &Options) -> anyhow::Result<Table> {
        match self {
            Self::Calls => calls::run(options).await,
            Self::Passes => passes::run(options).await,
            Self::Cold => single::cold(options).await,
            Self::Install => single::install(options).await,
            Self::Regions => single::regions(options).await,
            Self::Http => http::run(options).await,
            Self::Process => process::run(options).await,
            Self::Audit => audit::run(options).await,
        }
    }
}

/// A count as a figure to calculate with.
#[expect(clippy::cast_precision_loss, reason = "no count here has sixteen digits")]
fn figure(count: usize) -> f64 {
    count as f64
}
