// A pooled Go client under the load of one measurement. Prints what measure.mjs prints.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"io"
	"log"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

const body = `{"scene":"id=42","page":"pages/index/index"}`

func main() {
	base := flag.String("base", "", "where the server is")
	ca := flag.String("ca", "", "a PEM root to trust")
	concurrency := flag.Int("concurrency", 64, "calls at a time")
	warmup := flag.Duration("warmup", 2*time.Second, "how long it runs before it is measured")
	length := flag.Duration("time", 3*time.Second, "how long it is measured")
	flag.Parse()

	transport := &http.Transport{
		MaxIdleConnsPerHost: *concurrency,
		DisableCompression:  true,
		TLSClientConfig:     trust(*ca),
	}
	client := &http.Client{Transport: transport}
	var codes int64
	for n := 0; n < *concurrency; n++ {
		go func() {
			for {
				fetch(client, *base+"/wxa/getwxacodeunlimit?access_token=BENCH_TOKEN_BENCH_TOKEN_BENCH_TOKEN")
				atomic.AddInt64(&codes, 1)
			}
		}()
	}
	time.Sleep(*warmup)
	before, used, begun := atomic.LoadInt64(&codes), cpu(), time.Now()
	time.Sleep(*length)
	count := float64(atomic.LoadInt64(&codes) - before)
	figures := map[string]float64{
		"codesPerSecond": count / time.Since(begun).Seconds(),
		"cpuUs":          float64((cpu() - used).Microseconds()) / count,
		"rssMiB":         float64(usage().Maxrss) / 1024,
	}
	if err := json.NewEncoder(os.Stdout).Encode(figures); err != nil {
		log.Fatal(err)
	}
}

func fetch(client *http.Client, url string) {
	answer, err := client.Post(url, "application/json", bytes.NewReader([]byte(body)))
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	image := make([]byte, answer.ContentLength)
	_, err = io.ReadFull(answer.Body, image)
	if err != nil || !bytes.HasSuffix(image, []byte{0xff, 0xd9}) {
		log.Fatal("no picture: ", err)
	}
}

func trust(file string) *tls.Config {
	if file == "" {
		return nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: roots}
}

func usage() (used syscall.Rusage) {
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		log.Fatal(err)
	}
	return used
}

func cpu() time.Duration {
	used := usage()
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
