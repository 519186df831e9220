using System.Text.Json;
using Akka.Actor;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Tests.Brokers;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Http;

/// <summary>The page's use of a camera, in a real browser with a video device that shows a test picture.</summary>
public sealed class CameraSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    private static readonly string[] FakeCamera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];

    [SkippableFact]
    public async Task Pictures_of_the_camera_are_classified_one_after_the_other_until_it_is_stopped()
    {
        Skip.If(Chromium.Find() is null, Chromium.Absence);
        await using var api = await StartAllAsync();
        await using var browser = await OpenAsync(api, FakeCamera);

        await ClickAsync(browser);
        for (var i = 0; i < 3; i++)
        {
            var image = await Pipeline.ExpectMsgAsync<ClassifyImage>(Patience);
            Assert.Equal([0xFF, 0xD8], image.Body.ToArray()[..2]);
            Pipeline.LastSender.Tell(HappyFaces.In(image));
            await StatusAsync(browser, "The camera sees Happy.");
        }

        Assert.Equal("true", await TextAsync(browser, "document.getElementById('camera').getAttribute('aria-pressed')"));
        Assert.Equal("1. Happy, 70.0 %", await TextAsync(browser, "document.querySelector('.face h2').textContent"));
        Assert.True(await IsAsync(browser, "document.querySelector('button.right') === null && Math.max(picture.width, picture.height) <= 640"));
        await KeepAsync(browser, "camera.png");
        Assert.True(await IsAsync(browser, "(window.stream = camera.stream).getTracks().every((track) => track.readyState === 'live')"));

        await ClickAsync(browser);

        await StatusAsync(browser, "The camera is off.");
        Assert.True(await IsAsync(browser, "camera === null && window.stream.getTracks().every((track) => track.readyState === 'ended')"));
    }

    [SkippableFact]
    public async Task The_next_picture_waits_for_the_answer_to_the_one_before()
    {
        Skip.If(Chromium.Find() is null, Chromium.Absence);
        await using var api = await StartAllAsync();
        await using var browser = await OpenAsync(api, FakeCamera);
        await browser.EvaluateAsync("""
            (() => {
              const send = window.fetch;
              window.flying = window.most = 0;
              window.began = [];
              window.fetch = (...call) => {
                window.most = Math.max(window.most, ++window.flying);
                window.began.push(performance.now());
                return send(...call).finally(() => window.flying--);
              };
            })()
            """);

        await ClickAsync(browser);
        for (var i = 0; i < 4; i++)
        {
            var image = await Pipeline.ExpectMsgAsync<ClassifyImage>(Patience);
            Pipeline.LastSender.Tell(HappyFaces.In(image));
        }

        await UntilAsync(async () => await IsAsync(browser, "window.began.length >= 4"));
        Assert.Equal(1, (await browser.EvaluateAsync("window.most")).GetInt32());

        // The browser's own clock: no two pictures are nearer to each other than the page's interval, but for the time to encode one.
        Assert.True(await IsAsync(browser, "window.began.slice(1).every((time, i) => time - window.began[i] > frameInterval - 250)"));
    }

    [SkippableFact]
    public async Task Answers_are_averaged_over_time_with_those_of_the_same_face()
    {
        Skip.If(Chromium.Find() is null, Chromium.Absence);
        await using var api = await StartAllAsync();
        await using var browser = await OpenAsync(api);

        // A face that is happy, and half a second later sad; another one far away; a face that nobody saw before.
        var faces = await browser.EvaluateAsync("""
            (() => {
              const face = (x, happy) => ({ box: { x, y: 0, width: 100, height: 100 }, dominant_emotion: happy > 0.5 ? "Happy" : "Sad",
                emotions: [{ label: 3, name: "Happy", probability: happy }, { label: 4, name: "Sad", probability: 1 - happy }] });
              const once = smooth([face(0, 1), face(500, 1)], [face(10, 0), face(1000, 0)], halfLife / 2);
              const twice = smooth(once, [face(20, 0), face(1000, 0)], halfLife);
              return [once, twice].map((list) => list.map((one) => [one.dominant_emotion, one.emotions[0].probability]));
            })()
            """);

        Assert.Equal(["Happy", "Sad"], faces[0].EnumerateArray().Select(face => face[0].GetString()));
        Assert.Equal(Math.Sqrt(0.5), faces[0][0][1].GetDouble(), 6);
        Assert.Equal(0, faces[0][1][1].GetDouble());
        Assert.Equal(["Sad", "Sad"], faces[1].EnumerateArray().Select(face => face[0].GetString()));
        Assert.Equal(Math.Sqrt(0.5) / 2, faces[1][0][1].GetDouble(), 6);
    }

    [SkippableFact]
    public async Task A_missing_key_stops_the_camera_and_is_asked_for()
    {
        Skip.If(Chromium.Find() is null, Chromium.Absence);
        var (_, line) = ApiKeyLine.Create("anna");
        await using var api = await StartAllAsync(new ApiOptions { KeyHashes = [line.ToString()] });
        await using var browser = await OpenAsync(api, FakeCamera);

        await ClickAsync(browser);

        await StatusAsync(browser, "An API key is needed");
        Assert.True(await IsAsync(browser, "camera === null && !document.getElementById('key-row').hidden"));
    }

    [SkippableFact]
    public async Task Without_a_camera_the_page_says_so()
    {
        Skip.If(Chromium.Find() is null, Chromium.Absence);
        await using var api = await StartAllAsync();
        await using var browser = await OpenAsync(api, "--deny-permission-prompts");

        await ClickAsync(browser);

        await UntilAsync(async () => await TextAsync(browser, "document.getElementById('status').className") == "error");
        Assert.True(await IsAsync(browser, "camera === null && !document.getElementById('camera').disabled"));
    }

    [SkippableFact]
    public async Task The_keyboard_reaches_every_control_and_each_has_a_name()
    {
        Skip.If(Chromium.Find() is null, Chromium.Absence);
        await using var api = await StartAllAsync();
        await using var browser = await OpenAsync(api, FakeCamera);

        var reached = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            await browser.PressTabAsync();
            reached.Add(await TextAsync(browser, "document.activeElement.id"));
        }

        Assert.Equal(["drop", "camera", "explain"], reached);
        Assert.Equal("solid", await TextAsync(browser, "getComputedStyle(document.activeElement).outlineStyle"));
        var named = await browser.AccessibilityAsync();
        Assert.Contains(named, node => node is ("button", var name) && name.StartsWith("Drop a picture here", StringComparison.Ordinal));
        Assert.Contains(("button", "Use the camera"), named);
        Assert.All(named.Where(node => node.Role is "button" or "combobox" or "image" or "textbox"), node => Assert.NotEqual("", node.Name));
    }

    [SkippableFact]
    public async Task Words_and_bars_stand_out_in_dark_mode_as_in_light_mode()
    {
        Skip.If(Chromium.Find() is null, Chromium.Absence);
        await using var api = await StartAllAsync();
        await using var browser = await OpenAsync(api);

        foreach (var dark in new[] { false, true })
        {
            if (dark)
            {
                await browser.PreferDarkAsync();
            }

            // WCAG's contrast of the colours against the page: 4.5 for words, 3 for what is drawn.
            var contrasts = await browser.EvaluateAsync("""
                (() => {
                  const paint = (color) => {
                    const pen = new OffscreenCanvas(1, 1).getContext("2d");
                    pen.fillStyle = color;
                    pen.fillRect(0, 0, 1, 1);
                    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
                  };
                  const shine = (color) => paint(color)
                    .map((part) => part / 255)
                    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
                    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
                  const style = getComputedStyle(document.documentElement);
                  const probe = document.body.appendChild(document.createElement("div"));
                  probe.style.backgroundColor = "Canvas";
                  const back = shine(getComputedStyle(probe).backgroundColor);
                  probe.remove();
                  return ["--accent", "--error"].map((name) => shine(style.getPropertyValue(name)))
                    .map((front) => (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05)).concat(back);
                })()
                """);
            Assert.True(contrasts[0].GetDouble() > 4.5, contrasts.ToString());
            Assert.True(contrasts[1].GetDouble() > 4.5, contrasts.ToString());
            Assert.Equal(dark, contrasts[2].GetDouble() < 0.5);
        }

        await KeepAsync(browser, "dark.png");
    }

    private static Task<JsonElement> ClickAsync(Chromium browser) => browser.EvaluateAsync("document.getElementById('camera').click()");

    private static async Task<bool> IsAsync(Chromium browser, string condition) =>
        (await browser.EvaluateAsync(condition)).ValueKind == JsonValueKind.True;

    private static async Task<string> TextAsync(Chromium browser, string expression) => (await browser.EvaluateAsync(expression)).GetString()!;

    private static async Task KeepAsync(Chromium browser, string name)
    {
        if (Environment.GetEnvironmentVariable("FER_SCREENSHOTS") is { Length: > 0 } folder)
        {
            await File.WriteAllBytesAsync(Path.Combine(folder, name), await browser.ScreenshotAsync());
        }
    }

    private Task StatusAsync(Chromium browser, string text) => UntilAsync(async () =>
        (await TextAsync(browser, "document.getElementById('status').textContent")).Contains(text, StringComparison.Ordinal));

    private async Task<Chromium> OpenAsync(ApiUnderTest api, params string[] switches)
    {
        var browser = await Chromium.OpenAsync(api.Address, switches);
        await UntilAsync(async () => await IsAsync(browser, "document.readyState === 'complete' && typeof startCamera === 'function'"));
        return browser;
    }

    private async Task<ApiUnderTest> StartAllAsync(ApiOptions? options = null)
    {
        await StartAsync(answers: false);
        var api = await ApiUnderTest.StartAsync(Sys, Options, (options ?? new ApiOptions()) with { RatePerSecond = 0 });
        await UntilAsync(async () => (await api.Gateway.Ask<GatewayStatus>(GetGatewayStatus.Instance, Patience)).Connected);
        return api;
    }
}
