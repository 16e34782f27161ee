use super::*;

fn good() -> PlatformOptions {
    PlatformOptions {
        appid: "wx0123456789abcdef".into(),
        secret: Some("s3cret".into()),
        store: Some("memory".into()),
        ..PlatformOptions::default()
    }
}

fn refused(options: PlatformOptions) -> String {
    match options.open(Arc::default()) {
        Err(Error::Params { invalid, .. }) => invalid.param.into_owned(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted"),
    }
}
