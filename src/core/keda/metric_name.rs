//! Names of metrics: `s<trigger index>-<name>`.

/// The metric's name of trigger number `index`, counted from 0.
#[must_use]
pub fn metric_name(index: usize, name: &str) -> String {
    format!("s{index}-{name}")
}

/// Replaces each of `/ . : % ( )` by a hyphen; nothing else changes.
#[must_use]
pub fn normalize(name: &str) -> String {
    name.replace(['/', '.', ':', '%', '(', ')'], "-")
}

/// The name without its index; `None` when it does not bear `index`.
#[must_use]
pub fn without_index(index: usize, metric: &str) -> Option<&str> {
    metric.strip_prefix('s')?.strip_prefix(&index.to_string())?.strip_prefix('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifo_queue_loses_its_dot() {
        assert_eq!(metric_name(2, &normalize("aws-sqs-my.queue.fifo")), "s2-aws-sqs-my-queue-fifo");
    }

    #[test]
    fn only_the_own_index_is_taken_off() {
        assert_eq!(without_index(12, "s12-x"), Some("x"));
        assert_eq!(without_index(1, "s12-x"), None);
    }
}
