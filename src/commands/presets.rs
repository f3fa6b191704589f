//! `presets`: the event patterns that ship with orgwatch.

use super::{Invocation, complain, say, say_json};
use crate::cli::exit::Outcome;
use crate::cli::offline::PresetsArgs;
use crate::presets::{self, Preset};
use crate::render::presets::{PresetRow, preset, presets as table};

pub(super) fn run(invocation: &Invocation, arguments: &PresetsArgs) -> anyhow::Result<Outcome> {
    let row = |preset: &Preset| PresetRow {
        name: preset.name.clone(),
        title: preset.title.clone(),
        description: preset.description.clone(),
        source: preset.source.clone(),
        regions: preset.regions.told().to_owned(),
        accounts: preset.accounts.told().to_owned(),
        read_events: preset.reads,
        floods: preset.floods.clone(),
        pattern: preset.pattern().value().clone(),
    };
    let Some(name) = &arguments.name else {
        let rows: Vec<PresetRow> = presets::all().iter().map(row).collect();
        if arguments.json {
            say_json(&rows)?
        } else {
            say(&table(&rows, invocation.style))?
        }
        return Ok(Outcome::Done);
    };
    let Some(found) = presets::by_name(name) else {
        let names: Vec<&str> = presets::all().iter().map(|p| p.name.as_str()).collect();
        complain(&format!("error: there is no preset `{name}`; there are {}\n", names.join(", ")))?;
        return Ok(Outcome::Error);
    };
    if arguments.json {
        say_json(&row(found))?
    } else {
        say(&preset(&row(found), invocation.style))?
    }
    Ok(Outcome::Done)
}
