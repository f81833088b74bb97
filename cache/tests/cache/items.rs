//! Rows of single items: they are found again, and damage costs only the rows it hits.

use std::path::PathBuf;

use dgpipe_cache::{Digest, ItemRows, Key, Store};

use crate::sandbox::Sandbox;

fn family() -> Key {
    Key::of(b"embed with these weights")
}

fn item(number: u32) -> Digest {
    Digest::of(&number.to_le_bytes())
}

fn row(number: u32) -> Vec<u8> {
    number.to_le_bytes().repeat(number as usize % 5)
}

fn write(store: &Store, numbers: std::ops::Range<u32>) {
    let mut rows = store.item_rows(&family()).unwrap();
    for number in numbers {
        rows.add(item(number), row(number));
    }
    rows.flush().unwrap();
}

fn found(rows: &ItemRows, numbers: std::ops::Range<u32>) -> Vec<u32> {
    numbers.filter(|number| rows.get(&item(*number)).is_some_and(|found| found == row(*number))).collect()
}

fn segments(store: &Store) -> Vec<PathBuf> {
    let folder = store.root().join("items-v1").join(family().to_string());
    let mut segments: Vec<PathBuf> = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    segments
}

#[test]
fn rows_are_found_by_whoever_opens_the_family_later() {
    let sandbox = Sandbox::new();
    assert!(sandbox.store.item_rows(&family()).unwrap().is_empty());
    write(&sandbox.store, 0..10);
    let early = sandbox.store.item_rows(&family()).unwrap();
    write(&sandbox.store, 10..15);
    let rows = sandbox.reopened().item_rows(&family()).unwrap();
    assert_eq!(found(&rows, 0..20), (0..15).collect::<Vec<_>>());
    assert_eq!((rows.len(), early.len()), (15, 10));
    assert_eq!(segments(&sandbox.store).len(), 2);
    let other = sandbox.store.item_rows(&Key::of(b"embed with other weights")).unwrap();
    assert!(other.get(&item(1)).is_none());
}

#[test]
fn the_same_rows_written_twice_are_there_once() {
    let sandbox = Sandbox::new();
    write(&sandbox.store, 0..10);
    write(&sandbox.reopened(), 0..10);
    assert_eq!(segments(&sandbox.store).len(), 1);
    let mut rows = sandbox.store.item_rows(&family()).unwrap();
    rows.flush().unwrap();
    assert_eq!(segments(&sandbox.store).len(), 1, "nothing was added, so nothing is written");
}

#[test]
fn a_flip_anywhere_never_gives_a_wrong_row_and_costs_one_row_at_most_where_it_hits_one() {
    let sandbox = Sandbox::new();
    write(&sandbox.store, 0..10);
    let segment = segments(&sandbox.store).remove(0);
    let bytes = fs_err::read(&segment).unwrap();
    let rows_start = bytes.len() - (0..10).map(|number| row(number).len()).sum::<usize>();
    for place in (0..bytes.len()).step_by(7) {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1;
        fs_err::write(&segment, flipped).unwrap();
        let rows = sandbox.store.item_rows(&family()).unwrap();
        let wrong = (0..10).filter(|number| rows.get(&item(*number)).is_some_and(|found| found != row(*number)));
        assert_eq!(wrong.count(), 0);
        let found = found(&rows, 0..10).len();
        assert_eq!(found, if place < rows_start { 0 } else { 9 }, "byte {place}");
        assert!(!sandbox.store.take_warnings().is_empty());
    }
}

#[test]
fn a_cut_costs_the_rows_behind_it() {
    let sandbox = Sandbox::new();
    write(&sandbox.store, 0..10);
    let segment = segments(&sandbox.store).remove(0);
    let bytes = fs_err::read(&segment).unwrap();
    let mut last = 0;
    for length in 0..=bytes.len() {
        fs_err::write(&segment, &bytes[..length]).unwrap();
        let rows = sandbox.store.item_rows(&family()).unwrap();
        let found = found(&rows, 0..10).len();
        assert!(found >= last);
        last = found;
    }
    assert_eq!(last, 10);
}

#[test]
fn a_row_written_again_stands_for_the_damaged_one() {
    let sandbox = Sandbox::new();
    write(&sandbox.store, 0..10);
    let segment = segments(&sandbox.store).remove(0);
    let mut bytes = fs_err::read(&segment).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs_err::write(&segment, bytes).unwrap();
    let rows = sandbox.store.item_rows(&family()).unwrap();
    let lost = (0..10).find(|number| rows.get(&item(*number)).is_none()).unwrap();
    write(&sandbox.store, lost..lost + 1);
    let rows = sandbox.reopened().item_rows(&family()).unwrap();
    assert_eq!(found(&rows, 0..10).len(), 10);
}

#[test]
fn rows_that_are_all_damaged_and_written_again_are_there_again() {
    let sandbox = Sandbox::new();
    write(&sandbox.store, 1..5);
    let segment = segments(&sandbox.store).remove(0);
    let mut bytes = fs_err::read(&segment).unwrap();
    let rows = bytes.len() - (1..5).map(|number| row(number).len()).sum::<usize>();
    bytes[rows..].fill(0xff);
    fs_err::write(&segment, bytes).unwrap();
    let damaged = sandbox.reopened().item_rows(&family()).unwrap();
    assert_eq!((damaged.len(), found(&damaged, 1..5)), (4, Vec::new()));
    write(&sandbox.reopened(), 1..5);
    let store = sandbox.reopened();
    assert_eq!(found(&store.item_rows(&family()).unwrap(), 1..5), [1, 2, 3, 4]);
    assert_eq!((store.take_warnings(), segments(&store).len()), (Vec::new(), 1));
}

#[test]
fn rows_that_were_collected_meanwhile_are_absent() {
    let sandbox = Sandbox::new();
    write(&sandbox.store, 0..10);
    let rows = sandbox.store.item_rows(&family()).unwrap();
    fs_err::remove_dir_all(sandbox.store.root().join("items-v1").join(family().to_string())).unwrap();
    assert_eq!(found(&rows, 0..10), Vec::<u32>::new());
    assert_eq!(sandbox.store.take_warnings(), Vec::<String>::new());
    write(&sandbox.store, 0..10);
    assert_eq!(sandbox.store.item_rows(&family()).unwrap().len(), 10);
}
