//! Tokens and retries.

use super::*;

fn headers(retry_after: Option<&'static str>) -> HeaderMap {
    retry_after.map(|value| (RETRY_AFTER, HeaderValue::from_static(value))).into_iter().collect()
}

#[test]
fn only_what_is_safe_is_sent_again() {
    let again =
        |status: u16, method: Method, asked| pause(StatusCode::from_u16(status).expect("a status"), &headers(asked), &method, 1).is_some();
    assert!(again(429, Method::POST, None));
    assert!(again(503, Method::GET, None));
    assert!(again(500, Method::POST, Some("1")));
    assert!(!again(503, Method::POST, None));
    assert!(again(500, Method::PATCH, None));
    assert!(!again(500, Method::POST, None));
    assert!(!again(500, Method::PUT, None));
    assert!(!again(404, Method::GET, Some("1")));
}

#[test]
fn waits_grow_and_end() {
    let wait = |attempt, asked| pause(StatusCode::TOO_MANY_REQUESTS, &headers(asked), &Method::GET, attempt);
    assert_eq!(wait(1, None), Some(Duration::from_millis(100)));
    assert_eq!(wait(4, None), Some(Duration::from_millis(800)));
    assert_eq!(wait(5, None), None);
    assert_eq!(wait(1, Some("2")), Some(Duration::from_secs(2)));
    assert_eq!(wait(1, Some("3600")), None);
}

#[tokio::test]
async fn a_token_is_made_once_until_it_nears_its_end_or_is_forgotten() {
    let count = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = count.clone();
    let life = Arc::new(std::sync::Mutex::new(Duration::from_mins(10)));
    let lives = life.clone();
    let make: Tokens = Arc::new(move || {
        let number = counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let end = SystemTime::now() + *lives.lock().expect("not poisoned");
        Box::pin(async move { Ok((format!("t{number}"), end)) })
    });
    let cache = TokenCache::new(make);
    for _ in 0..3 {
        assert_eq!(cache.header().await.expect("made"), "Bearer t0");
    }
    *life.lock().expect("not poisoned") = Duration::from_secs(30);
    cache.forget().await;
    assert_eq!(cache.header().await.expect("made"), "Bearer t1");
    assert_eq!(cache.header().await.expect("made"), "Bearer t2");
}
