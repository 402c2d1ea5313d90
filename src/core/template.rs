//! Strict rendering of `templates/`: an unknown variable is an error, and values are escaped as JSON.
