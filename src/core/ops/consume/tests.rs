//! What a consumer does, against fakes of its ports.
