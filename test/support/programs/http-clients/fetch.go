// Asks for what standard input lists, one `name method url` a line, and prints what came of each as JSON.
// The argument, if there is one, is the proxy.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

func fetch(client *http.Client, method string, address string) (map[string]any, error) {
	request, err := http.NewRequest(method, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	return map[string]any{"status": response.StatusCode, "content": string(content)}, nil
}

func main() {
	transport := &http.Transport{DisableKeepAlives: true}
	if len(os.Args) > 1 {
		proxy, err := url.Parse(os.Args[1])
		if err != nil {
			panic(err)
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	client := &http.Client{
		Transport:     transport,
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		parts := strings.Fields(lines.Text())
		result, err := fetch(client, parts[1], parts[2])
		if err != nil {
			result = map[string]any{"error": err.Error()}
		}
		result["name"] = parts[0]
		line, _ := json.Marshal(result)
		fmt.Println(string(line))
	}
}
