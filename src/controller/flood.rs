//! Mail that an organization of this size would have suspended, told to the log.

use super::Controller;
use crate::config::email_floods;
use crate::model::view::Standing;

impl Controller {
    /// Tells of each such alert once.
    pub(super) fn tell_of_floods(&self) {
        let accounts = {
            let fleet = self.fleet();
            fleet.inventory.known().values().filter(|known| known.standing == Standing::Active).count()
        };
        for problem in email_floods(&self.settings(), accounts) {
            if self.heard().flooding.insert(problem.path.clone()) {
                tracing::warn!(
                    code = problem.code,
                    path = problem.path,
                    "{}: {}",
                    problem.found,
                    problem.hint
                );
            }
        }
    }
}
