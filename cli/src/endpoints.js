// Written by `npm run docs:endpoints`.

/** @typedef {{ name: string, wire?: string, type: string, flags: string, text: { zh: string, en: string } }} CodeParam */

/** What each kind of code takes. */
export const CODE_PARAMS = {
  unlimited: [
    {"name":"scene","wire":"scene","type":"string","flags":"--scene <text>","text":{"zh":"1 到 32 个可见字符","en":"1 to 32 visible characters"}},
    {"name":"page","wire":"page","type":"string","flags":"--page <path>","text":{"zh":"页面，如 pages/index/index（默认首页）","en":"a page, like pages/index/index (default: the main page)"}},
    {"name":"checkPath","wire":"check_path","type":"boolean","flags":"--no-check-path","text":{"zh":"页面可以尚未发布","en":"the page need not be published"}},
    {"name":"showSplashAd","wire":"show_splash_ad","type":"boolean","flags":"--no-show-splash-ad","text":{"zh":"打开时不展示封面广告","en":"no cover ad when the code is opened"}},
    {"name":"envVersion","wire":"env_version","type":"enum","flags":"--env-version <version>","text":{"zh":"release、trial 或 develop","en":"release, trial or develop"}},
    {"name":"width","wire":"width","type":"integer","flags":"--width <pixels>","text":{"zh":"280 到 1280（默认 430）","en":"280 to 1280 (default: 430)"}},
    {"name":"autoColor","wire":"auto_color","type":"boolean","flags":"--auto-color","text":{"zh":"由微信选择线条颜色","en":"WeChat picks the colour of the lines"}},
    {"name":"lineColor","wire":"line_color","type":"color","flags":"--line-color <color>","text":{"zh":"\"0,100,0\" 或 \"#006400\"","en":"\"0,100,0\" or \"#006400\""}},
    {"name":"isHyaline","wire":"is_hyaline","type":"boolean","flags":"--is-hyaline","text":{"zh":"透明底，PNG","en":"a transparent background, PNG"}},
    {"name":"extra","type":"extra","flags":"--extra <name=json>","text":{"zh":"wxacode 还没有的参数，值是 JSON，可重复","en":"a parameter that wxacode does not know yet, its value as JSON; may be repeated"}},
  ],
  limited: [
    {"name":"path","wire":"path","type":"string","flags":"--path <path>","text":{"zh":"页面与参数，如 pages/index/index?id=42","en":"page and query, like pages/index/index?id=42"}},
    {"name":"envVersion","wire":"env_version","type":"enum","flags":"--env-version <version>","text":{"zh":"release、trial 或 develop","en":"release, trial or develop"}},
    {"name":"width","wire":"width","type":"integer","flags":"--width <pixels>","text":{"zh":"280 到 1280（默认 430）","en":"280 to 1280 (default: 430)"}},
    {"name":"autoColor","wire":"auto_color","type":"boolean","flags":"--auto-color","text":{"zh":"由微信选择线条颜色","en":"WeChat picks the colour of the lines"}},
    {"name":"lineColor","wire":"line_color","type":"color","flags":"--line-color <color>","text":{"zh":"\"0,100,0\" 或 \"#006400\"","en":"\"0,100,0\" or \"#006400\""}},
    {"name":"isHyaline","wire":"is_hyaline","type":"boolean","flags":"--is-hyaline","text":{"zh":"透明底，PNG","en":"a transparent background, PNG"}},
    {"name":"extra","type":"extra","flags":"--extra <name=json>","text":{"zh":"wxacode 还没有的参数，值是 JSON，可重复","en":"a parameter that wxacode does not know yet, its value as JSON; may be repeated"}},
  ],
  qrcode: [
    {"name":"path","wire":"path","type":"string","flags":"--path <path>","text":{"zh":"页面与参数，如 pages/index/index?id=42","en":"page and query, like pages/index/index?id=42"}},
    {"name":"width","wire":"width","type":"integer","flags":"--width <pixels>","text":{"zh":"280 到 1280（默认 430）","en":"280 to 1280 (default: 430)"}},
    {"name":"extra","type":"extra","flags":"--extra <name=json>","text":{"zh":"wxacode 还没有的参数，值是 JSON，可重复","en":"a parameter that wxacode does not know yet, its value as JSON; may be repeated"}},
  ],
}

/** WeChat's paths of the endpoints that make codes. */
export const CODE_PATHS = ["/wxa/getwxacodeunlimit","/wxa/getwxacode","/cgi-bin/wxaapp/createwxaqrcode"]

/** What errors call the endpoints that wxacode knows. */
export const ENDPOINTS = ["getUnlimitedQRCode","getQRCode","createQRCode","stable_token","token","generateScheme","generateUrlLink","generateShortLink","generateNFCScheme","queryScheme","queryUrlLink","getQuota","clearQuota","getRid","api_component_token","api_start_push_ticket","api_create_preauthcode","api_query_auth","api_authorizer_token","api_get_authorizer_list","api_get_authorizer_info"]
