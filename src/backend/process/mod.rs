//! One machine as a cluster: jobs as child processes, objects as files.
