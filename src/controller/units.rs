//! Reads what organizational units are called, beside all else: nothing waits for a name.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Configured, Controller};
use crate::model::error::CloudError;
use crate::model::ids::OuId;
use crate::units::{Book, Question};

/// How often it is looked whether units without a name have appeared.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Reads names until `stop` is cancelled.
pub(super) async fn read(controller: Arc<Controller>, stop: CancellationToken) -> &'static str {
    while !stop.is_cancelled() {
        for question in controller.unnamed() {
            let asked = tokio::select! {
                () = stop.cancelled() => break,
                asked = controller.ask_names(&question) => asked,
            };
            let now = controller.clock.now();
            let mut book = controller.units();
            match asked {
                Ok(named) => book.take(question, named, now),
                Err(error) => {
                    // Pages show the ids all the same.
                    tracing::info!(%error, "Names of organizational units could not be read");
                    book.failed(question, now);
                }
            }
            drop(book);
            controller.changed.notify_one();
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    "units"
}

impl Controller {
    pub(super) fn units(&self) -> std::sync::MutexGuard<'_, Book> {
        // Whole answers are taken over, so it is in order at any moment.
        self.units.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unnamed(&self) -> Vec<Question> {
        let now = self.clock.now();
        let fleet = self.fleet();
        let paths = fleet.inventory.known().values().map(|known| known.account.units());
        self.units().due(paths, now)
    }

    async fn ask_names(&self, question: &Question) -> Result<Vec<(OuId, String)>, CloudError> {
        let Configured { settings, reader, .. } = &*self.configured();
        let region = settings.partition().organizations_region();
        let role = settings.organization.reader_role_arn.as_ref();
        let session = self.broker.organization(role, &region).await?;
        match question {
            Question::Roots => reader.roots(&session).await,
            Question::Below(unit) => reader.units(&session, unit).await,
        }
    }
}
