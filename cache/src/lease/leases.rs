//! What one handle on a store knows of leases: its own holder, and those of others that it watches.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::holder::Holder;
use super::holding::{Holding, read_signature};
use super::signature::Signature;
use crate::content::{Key, to_hex};
use crate::filesystem::{FileError, Locking, Placement};
use crate::layout::Bucket;
use crate::store::{Store, StoreError, lock};

/// A holder of another machine that was silent for so long is dead, in nanoseconds. Six beats, since a network disk
/// may show times late.
const SILENCE: i128 = 60_000_000_000;

/// What one handle on a store knows of leases.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    holder: Mutex<Option<Arc<Holder>>>,
    /// The last beat of a holder, by inode, and when it was first seen by the clock of the store's disk.
    watched: Mutex<BTreeMap<u64, (i128, i128)>>,
}

/// Somebody else's file, opened.
struct Looked {
    file: fs_err::File,
    inode: u64,
    signature: Option<Signature>,
    locking: Locking,
    lives: bool,
}

impl Store {
    /// Returns the holder of that name, which lives as long as this handle on the store.
    pub(super) fn holder(&self, name: &str) -> Result<Arc<Holder>, StoreError> {
        let mut current = lock(&self.leases().holder);
        if let Some(holder) = current.as_ref().filter(|holder| holder.signature.name == name) {
            return Ok(holder.clone());
        }
        let folder = self.layout().holders();
        self.make_folder(&folder)?;
        let holder = loop {
            let signature = Signature::new(name, random_id(&folder)?);
            let made = Holder::new(self.filesystem_handle(), &folder, signature);
            if let Some(holder) = made.map_err(|error| self.explain(error))? {
                break holder;
            }
        };
        let first = current.replace(holder.clone()).is_none();
        drop(current);
        if first {
            // What cannot be removed now can be later.
            drop(self.remove_dead_holders(&holder));
        }
        Ok(holder)
    }

    /// Has the next lease be claimed by a new holder, because the file of this one is gone.
    pub(super) fn forget_holder(&self, holder: &Arc<Holder>) {
        let mut current = lock(&self.leases().holder);
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, holder)) {
            *current = None;
        }
    }

    /// Looks at who has a key. `None` where nobody has it any more; who is dead is dispossessed.
    pub(super) fn look_at_lease(&self, key: &Key, path: &Path, own: &Holder) -> Result<Option<Holding>, StoreError> {
        let Some(looked) = self.look(path, own)? else { return Ok(None) };
        if !looked.lives {
            self.take_away(path, looked.inode, own)?;
            drop(looked);
            // What else it left can be removed later too.
            drop(self.remove_dead_holders(own));
            return Ok(None);
        }
        let Looked { file, signature, locking, .. } = looked;
        let file = if locking == Locking::Busy {
            file
        } else {
            // Kept open it would keep its lock, for which others could take it as well.
            drop(file);
            match self.filesystem().open(path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                opened => opened?,
            }
        };
        Ok(Some(Holding::new(*key, signature, file, self.filesystem_handle())))
    }

    fn look(&self, path: &Path, own: &Holder) -> Result<Option<Looked>, StoreError> {
        let mut file = match self.filesystem().open_lock_if_there(path) {
            // On a network disk, a name can outlive its file for a moment.
            Err(error) if error.kind() == std::io::ErrorKind::StaleNetworkFileHandle => return Ok(None),
            opened => match opened? {
                Some(file) => file,
                None => return Ok(None),
            },
        };
        let locking = self.filesystem().try_lock(&file)?;
        if locking == Locking::Unsupported {
            self.warn(format!(
                "`{}` is on a disk without locks: that a run was killed may be noticed late, and another may execute the \
                 same cells; results stay right",
                self.root().display()
            ));
        }
        let signature = read_signature(self.filesystem(), &mut file)?;
        let stamp = self.filesystem().stat_open(&file)?.stamp;
        let silent = || self.is_silent(stamp.inode, stamp.modified, own);
        let lives = Signature::lives(signature.as_ref(), locking, silent)?;
        Ok(Some(Looked { file, inode: stamp.inode, signature, locking, lives }))
    }

    /// Tells whether a holder that last beat at `beat` has been silent for long, by the clock of the store's disk. A
    /// beat in the future, after a clock was set back, counts from when it was first seen.
    fn is_silent(&self, inode: u64, beat: i128, own: &Holder) -> Result<bool, FileError> {
        let now = own.store_time()?;
        let mut watched = lock(&self.leases().watched);
        let seen = watched.entry(inode).or_insert((beat, now));
        if seen.0 != beat {
            *seen = (beat, now);
        }
        Ok(now - beat >= SILENCE || now - seen.1 >= SILENCE)
    }

    /// Removes the name of a dead holder's lease, if it still is that: renamed first, so that one that was claimed
    /// anew meanwhile can be given back.
    fn take_away(&self, path: &Path, inode: u64, own: &Holder) -> Result<(), StoreError> {
        let filesystem = self.filesystem();
        if filesystem.stat(path)?.is_none_or(|stat| stat.stamp.inode != inode) {
            return Ok(());
        }
        let aside = self.layout().holders().join(format!("{}-aside-{}", own.signature.id, self.number()));
        match filesystem.rename(path, &aside) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            renamed => renamed?,
        }
        let same = filesystem.stat(&aside)?.is_none_or(|stat| stat.stamp.inode == inode);
        if same || filesystem.rename_new(&aside, path)? == Placement::Taken {
            filesystem.remove_file(&aside)?;
        }
        Ok(())
    }

    /// Removes the files of holders that are dead, and the leases that they held.
    fn remove_dead_holders(&self, own: &Holder) -> Result<(), StoreError> {
        let (holders, leases) = (self.layout().holders(), self.layout().bucket(Bucket::Leases));
        let mut dead = Vec::new();
        for name in self.filesystem().list(&holders)? {
            let path = holders.join(name);
            // Locks are kept until the leases are gone too.
            dead.extend(self.look(&path, own)?.filter(|looked| !looked.lives).map(|looked| (path, looked)));
        }
        if dead.is_empty() {
            return Ok(());
        }
        for name in self.filesystem().list(&leases)? {
            let path = leases.join(name);
            let inode = self.filesystem().stat(&path)?.map(|stat| stat.stamp.inode);
            if dead.iter().any(|(_, looked)| Some(looked.inode) == inode) {
                self.take_away(&path, inode.unwrap_or_default(), own)?;
            }
        }
        for (path, _) in &dead {
            self.filesystem().remove_file(path)?;
        }
        Ok(())
    }
}

/// A name that no other holder has, on any machine.
fn random_id(folder: &Path) -> Result<String, FileError> {
    let mut bytes = [0; 16];
    let random = fs_err::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    random.map_err(|error| FileError::new("name a file in", folder, error))?;
    Ok(to_hex(&bytes))
}
