//! Which jobs are deleted because the ScaledJob changed since they were made.

use super::{jobs::JobView, manifest::RolloutStrategy};

/// Names of the jobs of another generation: running, pending and finished alike; none with `gradual`.
#[must_use]
pub fn outdated(jobs: &[JobView], generation: i64, strategy: RolloutStrategy) -> Vec<String> {
    if strategy == RolloutStrategy::Gradual {
        return Vec::new();
    }
    let current = generation.to_string();
    jobs.iter().filter(|job| job.generation.as_ref() != Some(&current)).map(|job| job.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn jobs_of_another_or_no_generation_go_unless_gradual() {
        let job = |name: &str, generation: Option<&str>| {
            let annotations = generation.map(|text| json!({"scaledjob.keda.sh/generation": text}));
            JobView::from_values(&json!({"metadata": {"name": name, "annotations": annotations}}), &[])
        };
        let jobs = [job("old", Some("2")), job("new", Some("3")), job("stray", None)];
        assert_eq!(outdated(&jobs, 3, RolloutStrategy::Immediate), ["old", "stray"]);
        assert!(outdated(&jobs, 3, RolloutStrategy::Gradual).is_empty());
    }
}
