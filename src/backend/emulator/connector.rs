//! The SDK's HTTP client whose other end is the embedded service: no port, no copy of the queue's rules.
