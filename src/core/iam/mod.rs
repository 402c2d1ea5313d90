//! IAM policy and trust documents as types, and the evaluator that walks an identity chain.
