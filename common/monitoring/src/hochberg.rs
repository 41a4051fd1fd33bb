//! Benjamini and Hochberg's procedure (1995): of many tests at once, which count, so that of those that do at most a given
//! share is chance.

/// For each p the least false discovery rate at which its test counts.
pub(crate) fn q_values(p: &[f64]) -> Vec<f64> {
    let count = p.len() as f64;
    let mut order: Vec<usize> = (0..p.len()).collect();
    let at = |place: usize| p.get(place).copied().unwrap_or(1.0);
    order.sort_by(|one, two| at(*one).total_cmp(&at(*two)));
    let mut q = vec![1.0; p.len()];
    let mut least: f64 = 1.0;
    for (rank, place) in order.into_iter().enumerate().rev() {
        least = least.min(at(place) * count / (rank as f64 + 1.0));
        q.get_mut(place).into_iter().for_each(|value| *value = least);
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_procedure_gives_these() {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.005, 0.55), "BH")
        let q = q_values(&[0.01, 0.04, 0.03, 0.005, 0.55]);
        for (told, wanted) in q.iter().zip([0.025, 0.05, 0.05, 0.025, 0.55]) {
            assert!((told - wanted).abs() < 1e-12, "{q:?}");
        }
        assert!(q_values(&[]).is_empty());
    }
}
