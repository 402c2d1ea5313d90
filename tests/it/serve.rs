//! The embedded services on a port: the same state as the command line sees, by another way.

use nix::sys::signal::Signal;

use crate::support::{Running, Server, Stack};

#[test]
fn the_command_line_reaches_a_served_queue_by_its_address() {
    let stack = Stack::ready();
    let server = Server::start(&stack);
    let visible = || {
        let mut command = stack.command(["status", "-o", "json"]);
        command.env("KEDACTL_ENDPOINT_URL", &server.url);
        let status = Running::start(command, b"").wait().json();
        status.pointer("/queue/depth/visible").and_then(serde_json::Value::as_i64)
    };
    assert_eq!(visible(), Some(0));
    stack.ok(["produce", "--count", "3"]);
    assert_eq!(visible(), Some(3));
}

#[test]
fn a_server_that_is_told_to_stop_ends_well() {
    let stack = Stack::new();
    let mut server = Server::start(&stack);
    server.process.signal(Signal::SIGTERM);
    let ended = server.process.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
}
