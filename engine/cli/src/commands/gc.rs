//! `dgpipe gc`: removes from the store what nothing uses.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use dgpipe_cache::{Collection, GcOptions, Lease, LeaseAttempt, Removed, Store, What, Why};
use dgpipe_engine::graph::{duration_of, size_of};

use crate::arguments::Common;
use crate::session::store_to_look_at;
use crate::terminal::{bytes, counted, print, sanitised, say, time};
use crate::{ExitStatus, Failure};

/// How often a gc that waits for another looks again.
const PAUSE: Duration = Duration::from_millis(100);

/// What `gc` takes.
#[derive(Debug, Args)]
pub struct Gc {
    /// The pipeline file; without it, the store of the project in this folder is meant
    file: Option<PathBuf>,
    /// Only show what would go, and why
    #[arg(long)]
    dry_run: bool,
    /// How much may stay, such as `50GiB`: beyond that, what was not used for the longest time goes too
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_size: Option<u64>,
    /// How long ago something must have been used last to go, such as `7d` (default: `30d`, and the last ten runs of
    /// each pipeline keep what they used)
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<Duration>,
    /// What was written so short a time ago stays in any case
    #[arg(long, value_name = "AGE", default_value = "1h", value_parser = age)]
    grace: Duration,
}

fn size(text: &str) -> Result<u64, String> {
    size_of(text).ok_or_else(|| "write a number of bytes, or `512MiB`, `50GiB`".to_owned())
}

fn age(text: &str) -> Result<Duration, String> {
    duration_of(text).ok_or_else(|| "write `90s`, `15m`, `12h`, `7d`".to_owned())
}

impl Gc {
    pub(crate) fn execute(&self, common: &Common) -> Result<ExitStatus, Failure> {
        let store = store_to_look_at(self.file.as_deref(), common)?;
        let Self { dry_run, max_size, older_than, grace, .. } = *self;
        let _turn = if dry_run { None } else { turn(&store, common)? };
        let collection = store.gc(&GcOptions { older_than, max_size, grace, dry_run });
        for warning in store.take_warnings() {
            say(&format!("warning: {}\n", sanitised(&warning)));
        }
        let collection = collection?;
        if common.json {
            print(&format!("{:#}\n", serde_json::to_value(&collection).unwrap_or_default()));
        } else {
            print(&sanitised(&listed(&collection.removed, common.verbose)));
            if !common.quiet {
                say(&summary(&collection));
            }
        }
        Ok(ExitStatus::Done)
    }
}

/// Waits until no other gc is at work in the store. On a full disk there is no waiting: two at once do no harm.
fn turn(store: &Store, common: &Common) -> Result<Option<Lease>, Failure> {
    let mut told = common.quiet;
    loop {
        match store.gc_lease() {
            Ok(LeaseAttempt::Acquired(lease)) => return Ok(Some(lease)),
            Ok(LeaseAttempt::Held(holding)) if !told => say(&format!("waiting for another {}\n", holding.holder())),
            Ok(LeaseAttempt::Held(_)) => {}
            Err(error) if error.is_disk_full() => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        told = true;
        std::thread::sleep(PAUSE);
    }
}

/// Records a line each, the rest a line for all that went for the same reason.
fn listed(removed: &[Removed], each: bool) -> String {
    let mut text = String::new();
    let mut groups: BTreeMap<(What, String), (usize, u64)> = BTreeMap::new();
    for removed in removed {
        let why = because(removed.why);
        if each || removed.what == What::Record {
            let name = removed.name.chars().take(if removed.what == What::Record { 12 } else { 64 });
            let name = name.collect::<String>();
            let name = removed.cell.as_ref().map_or(name.clone(), |cell| format!("{name} of `{cell}`"));
            text.push_str(&format!("{:<12}  {:>10}  {name}: {why}\n", word(removed.what), bytes(removed.bytes)));
        } else {
            let (count, size) = groups.entry((removed.what, why)).or_default();
            *count += 1;
            *size += removed.bytes;
        }
    }
    for ((what, why), (count, size)) in groups {
        text.push_str(&format!("{:<12}  {:>10}  {count} of them: {why}\n", word(what), bytes(size)));
    }
    text
}

fn word(what: What) -> &'static str {
    match what {
        What::Record => "record",
        What::Object => "object",
        What::Log => "log",
        What::Checkpoints => "checkpoints",
        What::FinalStates => "final states",
        What::Items => "items",
        What::View => "view",
        What::Scratch => "scratch",
        What::Quarantined => "quarantined",
        What::Draft => "draft",
    }
}

fn because(why: Why) -> String {
    match why {
        Why::Unused { since } => format!("nothing uses it since {}", time(since)),
        Why::Evicted { since } => format!("there was too much, and nothing uses it since {}", time(since)),
        Why::Orphaned => "no record names it".to_owned(),
        Why::RecordGone => "its record is gone".to_owned(),
        Why::Done => "the execution is done".to_owned(),
        Why::ProcessDead => "its process is dead".to_owned(),
        Why::Old { .. } => "it was left for people to look at, long ago".to_owned(),
    }
}

fn summary(collection: &Collection) -> String {
    let Collection { freed, kept, kept_records, over, dry_run, removed } = collection;
    let freed_word = if *dry_run { "would free" } else { "freed" };
    let records = removed.iter().filter(|removed| removed.what == What::Record).count();
    let mut text = format!(
        "{freed_word} {}: {} and {}; {} in {} stay\n",
        bytes(*freed),
        counted(records, "record"),
        counted(removed.len() - records, "other thing"),
        bytes(*kept),
        counted(*kept_records, "record"),
    );
    if *over > 0 {
        let over = bytes(*over);
        text.push_str(&format!("warning: {over} too many stay: all that is left is in use, pinned or too young\n"));
    }
    text
}
