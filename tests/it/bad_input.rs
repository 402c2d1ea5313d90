//! Bad input: exit code 2, one clear message that names the field, the value and the way out, and nothing half done.

use crate::support::{Output, Stack};

/// Asserts that `output` refuses with exit code 2 and one error that contains every one of `words`.
fn refuses(output: &Output, words: &[&str]) {
    assert_eq!(output.code, Some(2), "{output}");
    assert_eq!(output.stdout, "", "an error writes nothing to stdout: {output}");
    assert_eq!(output.stderr.matches("error:").count(), 1, "one error, once: {output}");
    assert!(!output.stderr.contains("panicked"), "{output}");
    for word in words {
        assert!(output.stderr.contains(word), "the message does not say `{word}`: {output}");
    }
}

#[test]
fn an_illegal_stack_name_is_refused() {
    let stack = Stack::new();
    refuses(&stack.run(["status", "--stack", "Not_Legal"]), &["--stack", "Not_Legal"]);
    assert_eq!(std::fs::read_dir(stack.dir()).expect("readable").count(), 0, "nothing was made");
}
