use super::*;

#[test]
fn only_a_refusal_of_the_parameters_goes_to_those_who_wait() {
    let told = |errcode| {
        let refusal = Refusal { errcode, errmsg: String::new(), rid: None, hint: None };
        SharedRefusal::of(&Error::Api { endpoint: Endpoint::GetUnlimitedQrCode, refusal, subject: None }).is_some()
    };
    for errcode in [40097, 40129, 40159, 40169, 40189, 41030, 45002, 47001, 47002, 85096] {
        assert!(told(errcode), "{errcode}");
    }
    for errcode in [-1, 40001, 40164, 45009, 45011, 45029, 48001, 61004, 123_456] {
        assert!(!told(errcode), "{errcode}");
    }
    assert!(SharedRefusal::of(&Error::Closed).is_none());
}
