/** A self-signed certificate for localhost and 127.0.0.1, valid until 2126, and its key, for servers of tests: made by
 * `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1` */
export const TEST_CERTIFICATE = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfHCVcBz1IeJkjT4d
GvsSoy2iV1O+DOZ+wBBJsXuqnPWhRANCAAS/qTVJHoQfml0EoDSP0H+/Yehl/WDD
gGPpB4Wl9SrdPn8zjii0G+LGh67gEFWwBcuJM/0jy/BhD0tkQ38Djs1H
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUX9655rZlOUo4afnXqRP+XJUNNK0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNzA4MTk0MloYDzIxMjYxMTAz
MDgxOTQyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAS/qTVJHoQfml0EoDSP0H+/Yehl/WDDgGPpB4Wl9SrdPn8zjii0G+LG
h67gEFWwBcuJM/0jy/BhD0tkQ38Djs1Ho28wbTAdBgNVHQ4EFgQU9nrgbtd/PdEo
NiNXcvPO5oz1cu8wHwYDVR0jBBgwFoAU9nrgbtd/PdEoNiNXcvPO5oz1cu8wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAPf5eC0fWDkHSI868k03EI2nRKggHYGCsP82i2QjmnsEAiEA
y6p+TxAztiq9efAaS2jWHQy/z3fOQfV5xpzMT8x356k=
-----END CERTIFICATE-----
`
}
