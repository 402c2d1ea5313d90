//! Which finished jobs are deleted because there are more than the ScaledJob keeps.

use super::jobs::{End, JobView};

/// Names of the finished jobs to delete, in order: surplus completed ones, then surplus failed ones, oldest first.
///
/// `limits` are how many completed and failed jobs are kept. Jobs are ordered by completion time. Kubernetes sets none on a
/// failed job; KEDA's own order is arbitrary then, here it is the time of creation, then the name.
#[must_use]
pub fn surplus(jobs: &[JobView], limits: (usize, usize)) -> Vec<String> {
    let oldest = |end: End, keep: usize| {
        let mut ended: Vec<&JobView> = jobs.iter().filter(|job| job.end() == Some(end)).collect();
        ended.sort_by_key(|job| (job.completed_at.or(job.created_at), job.created_at, &job.name));
        ended.truncate(ended.len().saturating_sub(keep));
        ended.into_iter().map(|job| job.name.clone()).collect::<Vec<_>>()
    };
    let mut names = oldest(End::Complete, limits.0);
    names.extend(oldest(End::Failed, limits.1));
    names
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::core::keda::jobs::TypedCondition;

    fn failed(name: &str, seconds: i64) -> JobView {
        JobView {
            name: name.to_owned(),
            conditions: vec![TypedCondition { kind: "Failed".to_owned(), status: "True".to_owned() }],
            pods: Vec::new(),
            generation: None,
            created_at: Some(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)),
            completed_at: None,
        }
    }

    #[test]
    fn failed_jobs_go_in_order_of_creation() {
        let jobs = [failed("c", 3), failed("a", 1), failed("b", 1), failed("d", 4)];
        assert_eq!(surplus(&jobs, (0, 1)), ["a", "b", "c"]);
        assert!(surplus(&jobs, (0, 4)).is_empty());
    }
}
