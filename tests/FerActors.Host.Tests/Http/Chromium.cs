using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;

namespace FerActors.Host.Tests.Http;

/// <summary>A real headless Chromium with one page, commanded through its DevTools protocol.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly Process _process;
    private readonly string _profile;
    private readonly ClientWebSocket _socket = new();
    private int _lastId;

    private Chromium(Process process, string profile)
    {
        _process = process;
        _profile = profile;
    }

    public static string Absence => "chromium is not installed here (Debian's package chromium).";

    public static string? Find() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => new[] { "chromium", "chromium-browser", "google-chrome" }.Select(name => Path.Combine(folder, name)))
        .FirstOrDefault(File.Exists);

    /// <param name="page">The page.</param>
    /// <param name="switches">Further switches of the browser.</param>
    public static async Task<Chromium> OpenAsync(Uri page, params string[] switches)
    {
        var profile = Directory.CreateTempSubdirectory("fer-chromium-").FullName;
        var process = Process.Start(new ProcessStartInfo(Find()!,
        [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
            "--remote-debugging-port=0", $"--user-data-dir={profile}", "--window-size=1000,1200", .. switches, "about:blank",
        ])
        {
            RedirectStandardError = true,
        })!;
        var browser = new Chromium(process, profile);
        using var bound = new CancellationTokenSource(Patience);
        const string listening = "DevTools listening on ";
        while (await process.StandardError.ReadLineAsync(bound.Token) is { } line)
        {
            if (line.StartsWith(listening, StringComparison.Ordinal))
            {
                _ = process.StandardError.ReadToEndAsync(CancellationToken.None);
                await browser.AttachAsync(new Uri(line[listening.Length..]), page, bound.Token);
                return browser;
            }
        }

        throw new InvalidOperationException("Chromium ended without listening.");
    }

    /// <summary>Evaluates an expression in the page; a promise is awaited. Undefined where a navigation took the page away meanwhile.</summary>
    public async Task<JsonElement> EvaluateAsync(string expression)
    {
        var result = await SendAsync("Runtime.evaluate", new { expression, awaitPromise = true, returnByValue = true });
        if (result.ValueKind == JsonValueKind.Undefined)
        {
            return default;
        }

        Assert.False(result.TryGetProperty("exceptionDetails", out var thrown), thrown.ToString());
        return result.GetProperty("result").TryGetProperty("value", out var value) ? value : default;
    }

    /// <summary>Types a text into what has the focus.</summary>
    public Task TypeAsync(string text) => SendAsync("Input.insertText", new { text });

    /// <summary>Presses the key Enter, as a keyboard does.</summary>
    public async Task PressEnterAsync()
    {
        foreach (var type in new[] { "keyDown", "keyUp" })
        {
            await SendAsync("Input.dispatchKeyEvent", new { type, key = "Enter", code = "Enter", windowsVirtualKeyCode = 13, text = type == "keyDown" ? "\r" : "" });
        }
    }

    /// <summary>Lets the page believe that the person prefers dark colours.</summary>
    public Task PreferDarkAsync() =>
        SendAsync("Emulation.setEmulatedMedia", new { features = new[] { new { name = "prefers-color-scheme", value = "dark" } } });

    /// <summary>Presses the key that goes on to the next control.</summary>
    public async Task PressTabAsync()
    {
        foreach (var type in new[] { "rawKeyDown", "keyUp" })
        {
            await SendAsync("Input.dispatchKeyEvent", new { type, key = "Tab", code = "Tab", windowsVirtualKeyCode = 9 });
        }
    }

    /// <summary>Role and name of everything that a screen reader finds in the page.</summary>
    public async Task<IReadOnlyList<(string Role, string Name)>> AccessibilityAsync()
    {
        var tree = await SendAsync("Accessibility.getFullAXTree", new { });
        return
        [
            .. tree.GetProperty("nodes").EnumerateArray()
                .Where(node => !node.GetProperty("ignored").GetBoolean())
                .Select(node => (Text(node, "role"), Text(node, "name"))),
        ];

        static string Text(JsonElement node, string property) =>
            node.TryGetProperty(property, out var value) && value.TryGetProperty("value", out var text) ? text.ToString() : "";
    }

    public async Task<byte[]> ScreenshotAsync() =>
        (await SendAsync("Page.captureScreenshot", new { format = "png" })).GetProperty("data").GetBytesFromBase64();

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        try
        {
            Directory.Delete(_profile, recursive: true);
        }
        catch (IOException)
        {
            // A helper process of the browser may still be writing its last file.
        }
    }

    private async Task AttachAsync(Uri browser, Uri page, CancellationToken cancellation)
    {
        using var client = new HttpClient { BaseAddress = new Uri($"http://{browser.Authority}") };
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/json/new?{Uri.EscapeDataString(page.ToString())}");
        var response = await client.SendAsync(request, cancellation);
        var tab = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellation)).RootElement;
        await _socket.ConnectAsync(new Uri(tab.GetProperty("webSocketDebuggerUrl").GetString()!), cancellation);
    }

    private async Task<JsonElement> SendAsync(string method, object parameters)
    {
        var id = ++_lastId;
        using var bound = new CancellationTokenSource(Patience);
        await _socket.SendAsync(
            JsonSerializer.SerializeToUtf8Bytes(new { id, method, @params = parameters }), WebSocketMessageType.Text, endOfMessage: true, bound.Token);
        while (true)
        {
            using var message = new MemoryStream();
            var buffer = new byte[64 * 1024];
            WebSocketReceiveResult part;
            do
            {
                part = await _socket.ReceiveAsync(buffer, bound.Token);
                message.Write(buffer, 0, part.Count);
            }
            while (!part.EndOfMessage);

            var json = JsonDocument.Parse(message.ToArray()).RootElement;
            if (json.TryGetProperty("id", out var answered) && answered.GetInt32() == id)
            {
                return json.TryGetProperty("result", out var result) ? result : default;
            }
        }
    }
}
