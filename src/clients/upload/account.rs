//! What the site has, as far as we know: our own account, held against the lists in its answers.

use std::collections::{BTreeMap, BTreeSet};

/// The chunks of one volume.
///
/// Lists of chunks that travel side by side cross: an answer knows only what was stored when it was written, so
/// that it is held only against what was acknowledged before its chunk left.
#[derive(Debug)]
pub(super) struct Account {
    count: u32,
    /// Acknowledged, and as the how-manieth.
    stored: BTreeMap<u32, u64>,
    /// Acknowledgements so far.
    acknowledged: u64,
    /// There by the site's first list after a resume: acknowledgements are noted late.
    told: BTreeSet<u32>,
    /// Refused after an answer was lost: most likely because it is stored.
    guessed: BTreeSet<u32>,
    /// Acknowledged, and listed as missing all the same.
    doubted: BTreeSet<u32>,
    /// Sent at least once by this run.
    tried: BTreeSet<u32>,
    /// Whether the site may have more than we know, until its first answer.
    may_have_more: bool,
}

impl Account {
    /// `acknowledged` by an earlier run, for a volume of `count` chunks.
    pub(super) fn new(count: u32, acknowledged: &BTreeSet<u32>, resumed: bool) -> Self {
        let known = acknowledged.iter().filter(|chunk| **chunk < count);
        Self {
            count,
            stored: known.map(|chunk| (*chunk, 0)).collect(),
            acknowledged: 1,
            told: BTreeSet::new(),
            guessed: BTreeSet::new(),
            doubted: BTreeSet::new(),
            tried: BTreeSet::new(),
            may_have_more: resumed,
        }
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Whether the chunk need not be sent.
    pub(super) fn has(&self, chunk: u32) -> bool {
        self.stored.contains_key(&chunk) || self.told.contains(&chunk) || self.guessed.contains(&chunk)
    }

    /// Chunks that need not be sent.
    pub(super) fn settled(&self) -> u64 {
        (self.stored.len() + self.told.len() + self.guessed.len()) as u64
    }

    /// A chunk is about to leave; the result goes with it and into `accepted`.
    pub(super) fn leaves(&mut self, chunk: u32) -> u64 {
        self.tried.insert(chunk);
        self.acknowledged
    }

    /// A chunk was acknowledged, with the site's list of what is missing. Whether that list is as expected.
    pub(super) fn accepted(&mut self, chunk: u32, left_at: u64, missing: Option<Vec<u32>>) -> bool {
        self.stored.entry(chunk).or_insert(self.acknowledged);
        self.acknowledged += 1;
        let Some(missing) = missing else { return false };
        let listed: BTreeSet<u32> = missing.into_iter().filter(|chunk| *chunk < self.count).collect();
        let mut contradicted = false;
        for (known, _) in self.stored.iter().filter(|(known, at)| **at < left_at || **known == chunk) {
            if listed.contains(known) {
                contradicted = true;
                self.doubted.insert(*known);
            } else {
                self.doubted.remove(known);
            }
        }
        let guessed = std::mem::take(&mut self.guessed);
        self.stored.extend(guessed.difference(&listed).map(|chunk| (*chunk, self.acknowledged)));
        if std::mem::take(&mut self.may_have_more) && !contradicted {
            self.told =
                (0..self.count).filter(|c| !listed.contains(c) && !self.stored.contains_key(c)).collect();
        }
        let mut untouched = (0..self.count).filter(|chunk| !self.tried.contains(chunk) && !self.has(*chunk));
        !contradicted && untouched.all(|chunk| listed.contains(&chunk))
    }

    /// A chunk whose answer was lost is refused again and again: taken as stored until a list says otherwise.
    pub(super) fn guess(&mut self, chunk: u32) {
        self.guessed.insert(chunk);
    }

    /// What the site listed although it was acknowledged, and what nobody acknowledged.
    pub(super) fn doubtful(&self) -> BTreeSet<u32> {
        let open =
            (0..self.count).filter(|chunk| !self.stored.contains_key(chunk) && !self.told.contains(chunk));
        open.chain(self.doubted.iter().copied()).collect()
    }

    /// What we have nothing but the site's word for.
    pub(super) fn told(&self) -> &BTreeSet<u32> {
        &self.told
    }

    /// These have to be sent, whatever was known about them.
    pub(super) fn forget(&mut self, chunks: &BTreeSet<u32>) {
        self.stored.retain(|chunk, _| !chunks.contains(chunk));
        for known in [&mut self.told, &mut self.guessed, &mut self.doubted] {
            known.retain(|chunk| !chunks.contains(chunk));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(count: u32) -> Account {
        Account::new(count, &BTreeSet::new(), false)
    }

    #[test]
    fn crossing_lists_of_chunks_side_by_side_are_as_expected() {
        let mut account = fresh(4);
        let (first, second) = (account.leaves(0), account.leaves(1));
        assert!(account.accepted(1, second, Some(vec![0, 2, 3])));
        assert!(account.accepted(0, first, Some(vec![1, 2, 3])), "written before chunk 1 was stored");
        assert!(account.doubtful().is_superset(&BTreeSet::from([2, 3])) && account.settled() == 2);
    }

    #[test]
    fn a_list_that_names_what_was_acknowledged_or_leaves_out_what_was_never_sent_is_not_as_expected() {
        for list in [vec![0], vec![], vec![0, 1, 2]] {
            let mut account = fresh(3);
            let left = account.leaves(0);
            assert!(!account.accepted(0, left, Some(list)));
        }
    }

    #[test]
    fn a_list_that_names_what_was_acknowledged_before_its_chunk_left_is_not_as_expected() {
        let mut account = fresh(3);
        let first = account.leaves(0);
        assert!(account.accepted(0, first, Some(vec![1, 2])));
        let second = account.leaves(1);
        assert!(!account.accepted(1, second, Some(vec![0, 2])));
        assert!(account.doubtful().contains(&0));
    }

    #[test]
    fn the_first_list_after_a_resume_tells_what_was_not_noted_unless_it_contradicts_what_was() {
        for (list, told) in [(vec![4], BTreeSet::from([2, 3])), (vec![0, 4], BTreeSet::new())] {
            let mut account = Account::new(5, &BTreeSet::from([0]), true);
            let left = account.leaves(1);
            account.accepted(1, left, Some(list));
            assert_eq!(account.told(), &told);
        }
    }

    #[test]
    fn a_guess_is_settled_by_the_next_list() {
        for (list, doubtful) in [(vec![2], BTreeSet::from([2])), (vec![0, 2], BTreeSet::from([0, 2]))] {
            let mut account = fresh(3);
            account.leaves(0);
            account.guess(0);
            let left = account.leaves(1);
            account.accepted(1, left, Some(list));
            assert_eq!(account.doubtful(), doubtful);
        }
    }

    #[test]
    fn what_is_forgotten_has_to_be_sent() {
        let mut account = Account::new(2, &BTreeSet::from([0, 1]), true);
        account.forget(&BTreeSet::from([1]));
        assert!(account.has(0) && !account.has(1));
    }
}
