//! The result analyzer: its server, and the client that reaches it in process or over HTTP.
