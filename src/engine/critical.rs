//! The critical path: of all chains of steps that come one after the other, the one that takes longest. No order of
//! work is shorter.

use std::time::Duration;

/// The longest chain, first step first, and its length. `before[at]` are the nodes that are over when `at` starts;
/// the graph has no cycle.
pub fn critical_path(before: &[Vec<usize>], lengths: &[Duration]) -> (Vec<usize>, Duration) {
    let mut ends: Vec<Option<Duration>> = vec![None; before.len()];
    while let Some(at) = (0..ends.len()).find(|&at| ends[at].is_none() && start(&ends, &before[at]).is_some())
    {
        ends[at] = start(&ends, &before[at]).map(|start| start + lengths[at]);
    }
    let length = ends.iter().flatten().max().copied().unwrap_or_default();
    let mut chain = Vec::new();
    let mut at = (0..ends.len()).rev().find(|&at| ends[at] == Some(length));
    while let Some(step) = at {
        chain.push(step);
        at = before[step].iter().copied().max_by_key(|&before| ends[before]);
    }
    chain.reverse();
    (chain, length)
}

/// When each step can start, if nothing but what comes before it holds it up; the graph has no cycle.
pub fn starts(before: &[Vec<usize>], lengths: &[Duration]) -> Vec<Duration> {
    let mut ends: Vec<Option<Duration>> = vec![None; before.len()];
    let mut starts = vec![Duration::ZERO; before.len()];
    while let Some((at, begun)) =
        (0..ends.len()).filter(|&at| ends[at].is_none()).find_map(|at| Some((at, start(&ends, &before[at])?)))
    {
        (starts[at], ends[at]) = (begun, Some(begun + lengths[at]));
    }
    starts
}

/// Per node: the length of the longest chain that begins with it.
pub fn ways_ahead(before: &[Vec<usize>], lengths: &[Duration]) -> Vec<Duration> {
    let mut ahead = lengths.to_vec();
    loop {
        let mut grew = false;
        for (at, earlier) in before.iter().enumerate().rev() {
            for &earlier in earlier {
                let through = lengths[earlier] + ahead[at];
                grew |= through > ahead[earlier];
                ahead[earlier] = ahead[earlier].max(through);
            }
        }
        // The graph has no cycle, so that this ends.
        if !grew {
            return ahead;
        }
    }
}

/// When everything in `before` is over; `None` as long as that is not known.
fn start(ends: &[Option<Duration>], before: &[usize]) -> Option<Duration> {
    before.iter().try_fold(Duration::ZERO, |latest, &at| ends[at].map(|end| latest.max(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_chain_decides_whatever_runs_beside_it() {
        let seconds = [1, 5, 2, 1, 9].map(Duration::from_secs);
        // 0 → 1 → 3 and 0 → 2 → 3; 4 stands alone.
        let before = [vec![], vec![0], vec![0], vec![2, 1], vec![]];
        assert_eq!(critical_path(&before[..4], &seconds[..4]), (vec![0, 1, 3], Duration::from_secs(7)));
        assert_eq!(critical_path(&before, &seconds), (vec![4], Duration::from_secs(9)));
        assert_eq!(ways_ahead(&before, &seconds), [7, 6, 3, 1, 9].map(Duration::from_secs));
    }

    #[test]
    fn a_step_starts_when_all_before_it_are_over() {
        let seconds = [1, 5, 2, 1].map(Duration::from_secs);
        let before = [vec![], vec![0], vec![0], vec![2, 1]];
        assert_eq!(starts(&before, &seconds), [0, 1, 1, 6].map(Duration::from_secs));
    }

    #[test]
    fn nothing_takes_no_time() {
        assert_eq!(critical_path(&[], &[]), (Vec::new(), Duration::ZERO));
    }
}
