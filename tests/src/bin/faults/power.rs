//! Power cuts on real file systems: images on loop devices, which lose at a random moment all that is not on the disk.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dgpipe_cache::Digest;
use dgpipe_tests::faults::oracle::Undisturbed;

use crate::scene::{Scene, is_installed};

/// Cuts the power so often on each file system, and returns how often something was wrong after.
pub(crate) fn all(cases: usize) -> usize {
    if !rustix::process::getuid().is_root() {
        println!("power: skipped, only root may mount");
        return 0;
    }
    ["ext4", "xfs"].into_iter().map(|kind| on(kind, cases)).sum()
}

fn on(kind: &str, cases: usize) -> usize {
    let make = format!("mkfs.{kind}");
    if let Some(missing) = ["xfs_io", &make].into_iter().find(|program| !is_installed(program)) {
        println!("power on {kind}: skipped, there is no {missing}");
        return 0;
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let plain = Scene::new(folder.path().join("undisturbed"));
    plain.run().expect("an undisturbed run is well");
    let cold = plain.result();
    plain.change();
    plain.run().expect("an undisturbed run is well");
    let changed = Undisturbed { published: plain.result().published, records: plain.result().records };

    let Some(disk) = Disk::new(folder.path(), kind) else {
        println!("power on {kind}: skipped, no image can be mounted here");
        return 0;
    };
    let usual = {
        let scene = Scene::new(disk.place.join("usual"));
        let begun = Instant::now();
        scene.run().expect("an undisturbed run is well");
        begun.elapsed()
    };
    let (mut wrong, mut ended, mut objects) = (0, 0, 0);
    for case in 0..cases {
        let warm = case % 2 == 1;
        let expected = if warm { &changed } else { &cold };
        let root = disk.place.join(format!("case-{case}"));
        let scene = Scene::new(root.clone());
        if warm {
            scene.run().expect("an undisturbed run is well");
            scene.change();
        }
        call(Command::new("sync").arg("-f").arg(&root));
        let moment = usual.mul_f64(f64::from(chance(kind, case)) / 100.0);
        let run = scene.command(&Scene::run_arguments()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut run = run.expect("the binary can be started");
        std::thread::sleep(moment);
        let over = matches!(run.try_wait(), Ok(Some(status)) if status.success());
        // With the journal written out, and without.
        let shutdown = if case % 3 == 0 { "shutdown -f" } else { "shutdown" };
        call(Command::new("xfs_io").args(["-x", "-c", shutdown]).arg(&disk.place));
        end(run);
        disk.mount_again();
        scene.age_leases();
        let mut offences = Vec::new();
        objects += dgpipe_tests::faults::oracle::files(&root.join(".dgpipe/objects-v1")).len();
        if over {
            ended += 1;
            // All was said to be done, so all has to be there.
            offences.extend(scene.problems());
            offences.extend(scene.differences(expected));
            match scene.run() {
                Ok(end) if end["executed"] == 0 && end["restored"] == 0 => {}
                other => offences.push(format!("something was lost after the end: {other:?}")),
            }
        }
        offences.extend(scene.offences(expected));
        if !offences.is_empty() {
            wrong += 1;
            println!("{kind} case {case} at {moment:?} of {usual:?}\n  {}", offences.join("\n  "));
        }
        fs_err::remove_dir_all(&root).ok();
    }
    println!(
        "power on {kind}: {cases} cuts, {ended} of them after the end, {objects} objects found after them, {wrong} wrong"
    );
    wrong
}

/// A number up to 130 that looks like chance and is the same every time.
fn chance(kind: &str, case: usize) -> u8 {
    Digest::of(format!("{kind} {case}").as_bytes()).as_bytes()[0] % 131
}

/// Waits for a process that can do nothing any more, with its children.
fn end(mut run: Child) {
    let begun = Instant::now();
    while !matches!(run.try_wait(), Ok(Some(_))) {
        if begun.elapsed() > Duration::from_secs(20) {
            run.kill().ok();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn call(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// An image that is mounted, until this is dropped.
struct Disk {
    image: PathBuf,
    place: PathBuf,
}

impl Disk {
    fn new(folder: &Path, kind: &str) -> Option<Self> {
        let disk = Self { image: folder.join("image"), place: folder.join("mounted") };
        fs_err::create_dir(&disk.place).ok()?;
        fs_err::File::create(&disk.image).ok()?.set_len(400 << 20).ok()?;
        let mut make = Command::new(format!("mkfs.{kind}"));
        let made = call(make.arg("-q").arg(&disk.image));
        (made && disk.mount()).then_some(disk)
    }

    fn mount(&self) -> bool {
        call(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.place))
    }

    fn unmount(&self) -> bool {
        // A child of a killed command may need a moment to go.
        (0..200).any(|_| {
            let done = call(Command::new("umount").arg(&self.place));
            if !done {
                std::thread::sleep(Duration::from_millis(50));
            }
            done
        })
    }

    fn mount_again(&self) {
        assert!(self.unmount(), "the image can be unmounted");
        // As long as anybody has the old mount, a new one shows the same dead file system.
        let devices = || Command::new("losetup").arg("-j").arg(&self.image).output().map(|output| output.stdout);
        let begun = Instant::now();
        while devices().is_ok_and(|devices| !devices.is_empty()) {
            assert!(begun.elapsed() < Duration::from_mins(2), "somebody keeps the image mounted");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(self.mount(), "the image can be mounted again");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if !self.unmount() {
            call(Command::new("umount").arg("-l").arg(&self.place));
        }
    }
}
