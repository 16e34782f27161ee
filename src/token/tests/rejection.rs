//! Tokens that an API has rejected, and forced refreshes.

use super::*;

#[tokio::test(start_paused = true)]
async fn many_callers_with_the_same_rejected_token_make_one_refresh() {
    let (cache, upstream) = (cache(), Upstream::new(true).gives("T1").gives("T2"));
    let source = upstream.source();
    let soon = deadline(10);
    let token = cache.get(&source, &soon).await.unwrap();
    let others = join_all((0..400).map(|_| cache.replace(&token, 40001, &source, &soon))).await;
    for other in others {
        assert_eq!(other.unwrap().expect("another token").expose(), "T2");
    }
    assert_eq!(upstream.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_that_is_returned_again_is_forced_only_when_old_enough_and_in_budget() {
    let upstream = Upstream::new(true).gives("T1");
    let upstream = upstream.gives("T1").gives("T1").gives("T2").gives("T2").gives("T2").gives("T2");
    let (cache, source) = (cache(), upstream.source());
    let one = cache.get(&source, &deadline(10)).await.unwrap();
    assert!(cache.replace(&one, 40001, &source, &deadline(10)).await.unwrap().is_none(), "too young");
    assert_eq!((upstream.count(), upstream.forced.load(Ordering::Relaxed)), (2, 0));
    sleep(Duration::from_secs(31)).await;
    let two = cache.replace(&one, 40001, &source, &deadline(10)).await.unwrap().expect("forced");
    assert_eq!((two.expose(), upstream.count(), upstream.forced.load(Ordering::Relaxed)), ("T2", 4, 1));
    sleep(Duration::from_secs(29)).await;
    assert!(cache.replace(&two, 40001, &source, &deadline(10)).await.unwrap().is_none(), "cooling down");
    assert_eq!(upstream.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_api_that_rejects_every_token_causes_two_requests_in_30_s() {
    for repeats in [true, false] {
        let mut upstream = Upstream::new(repeats);
        for n in 0..20 {
            upstream = if repeats { upstream.gives("T") } else { upstream.gives(["A", "B"][n % 2]) };
        }
        let (cache, source) = (cache(), upstream.source());
        for _ in 0..290 {
            let calls = (0..20).map(|_| async {
                let token = cache.get(&source, &deadline(10)).await.unwrap();
                let _ = cache.replace(&token, 40001, &source, &deadline(10)).await;
            });
            join_all(calls).await;
            sleep(Duration::from_millis(100)).await;
        }
        assert!(upstream.count() <= 2, "{} requests", upstream.count());
    }
}

#[tokio::test(start_paused = true)]
async fn a_forced_refresh_is_shared_and_the_next_one_has_no_budget() {
    let (cache, upstream) = (cache(), Upstream::new(true).gives("T1").gives("T2"));
    let source = upstream.source();
    get(&cache, &upstream).await.unwrap();
    let soon = deadline(10);
    let tokens = join_all((0..10).map(|_| cache.force(&source, &soon))).await;
    assert!(tokens.iter().all(|token| token.as_ref().unwrap().expose() == "T2"));
    assert_eq!((upstream.count(), upstream.forced.load(Ordering::Relaxed)), (2, 1));
    let error = cache.force(&source, &deadline(10)).await.unwrap_err();
    assert_eq!(error.code(), "ERR_WXA_RATE_LIMIT");
    assert_eq!(upstream.count(), 2, "nothing is sent without a budget");
    assert_eq!(get(&cache, &upstream).await.unwrap(), "T2", "and the current token stays");
}
