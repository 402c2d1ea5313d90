//! The embedded services on a port: the same state as the command line sees, by another way.

use nix::sys::signal::Signal;

use crate::support::{Server, Stack};

#[test]
fn the_command_line_reaches_a_served_queue_by_its_address() {
    let stack = Stack::ready();
    let server = Server::start(&stack);
    let status = stack.json(["status", "--endpoint-url", &server.url]);
    assert_eq!(status.pointer("/queue/visible").and_then(serde_json::Value::as_i64), Some(0), "{status:#}");
    stack.ok(["produce", "--count", "3"]);
    let status = stack.json(["status", "--endpoint-url", &server.url]);
    assert_eq!(status.pointer("/queue/visible").and_then(serde_json::Value::as_i64), Some(3), "{status:#}");
}

#[test]
fn a_server_that_is_told_to_stop_ends_well() {
    let stack = Stack::new();
    let mut server = Server::start(&stack);
    server.process.signal(Signal::SIGTERM);
    let ended = server.process.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
}
