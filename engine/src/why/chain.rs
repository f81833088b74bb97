//! The links from a cell to the first changes. Kept flat, because pipelines can be thousands of cells deep.

use std::collections::{BTreeMap, BTreeSet};

use super::Link;

/// A cell with all that is behind it; the cell comes first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain {
    /// The links; each cell once.
    pub links: Vec<Link>,
}

impl Chain {
    /// The links on the shortest ways to the first changes, one way to each change, with their depths: those behind
    /// a link come after it.
    pub fn ways(&self) -> Vec<(usize, usize)> {
        let order = self.breadth_first();
        let mut said = BTreeSet::new();
        let mut kept = BTreeSet::from([0]);
        for (link, _) in &order {
            let roots = self.links[*link].reasons.iter().filter(|reason| reason.is_root());
            // Every root is to be said once, and no two for one because they are said alike.
            let stage = self.links[*link].cell.split('[').next().unwrap_or_default();
            let fresh = roots.filter(|reason| said.insert(reason.root(stage)));
            if fresh.count() > 0 || (self.links[*link].behind.is_empty() && said.is_empty()) {
                kept.insert(*link);
            }
        }
        let parents: BTreeMap<usize, usize> = order.iter().copied().collect();
        for link in kept.clone() {
            let mut place = link;
            while let Some(parent) = parents.get(&place).filter(|parent| **parent != place) {
                kept.insert(*parent);
                place = *parent;
            }
        }
        self.in_depth(&kept, &parents)
    }

    /// Every link with its depth: those behind a link come after it, each once.
    pub fn all(&self) -> Vec<(usize, usize)> {
        let parents: BTreeMap<usize, usize> = self.breadth_first().into_iter().collect();
        self.in_depth(&parents.keys().copied().collect(), &parents)
    }

    /// Every link with the one that it was first found behind; the first is behind itself.
    fn breadth_first(&self) -> Vec<(usize, usize)> {
        if self.links.is_empty() {
            return Vec::new();
        }
        let (mut order, mut seen, mut next) = (vec![(0, 0)], BTreeSet::from([0]), 0);
        while let Some((link, _)) = order.get(next).copied() {
            order.extend(
                self.links[link].behind.iter().filter(|other| seen.insert(**other)).map(|other| (*other, link)),
            );
            next += 1;
        }
        order
    }

    fn in_depth(&self, kept: &BTreeSet<usize>, parents: &BTreeMap<usize, usize>) -> Vec<(usize, usize)> {
        let (mut ways, mut open) = (Vec::new(), if self.links.is_empty() { Vec::new() } else { vec![(0, 0)] });
        while let Some((link, depth)) = open.pop() {
            ways.push((link, depth));
            let behind = self.links[link].behind.iter().rev();
            let own = behind.filter(|other| **other != 0 && kept.contains(other) && parents.get(other) == Some(&link));
            open.extend(own.map(|other| (*other, depth + 1)));
        }
        ways
    }
}
