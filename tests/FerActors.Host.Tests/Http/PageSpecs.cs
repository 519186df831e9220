using System.Text.Json;
using Akka.Actor;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Tests.Brokers;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Feedback;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Http;

/// <summary>The page at <c>/</c>, in a real browser.</summary>
public sealed class PageSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    [SkippableFact]
    public async Task The_page_is_served_to_anybody_and_allows_nothing_but_its_own_files()
    {
        var (_, line) = ApiKeyLine.Create("anna");
        await using var api = await StartApiAsync(new ApiOptions { KeyHashes = [line.ToString()] });

        foreach (var path in new[] { "/", "/page.js", "/camera.js", "/page.css" })
        {
            var response = await api.Client.GetAsync(new Uri(path, UriKind.Relative));
            Assert.True(response.IsSuccessStatusCode);
            Assert.Contains("default-src 'none'", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
            Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
            var text = await response.Content.ReadAsStringAsync();
            Assert.DoesNotContain("http://", text, StringComparison.Ordinal);
            Assert.DoesNotContain("https://", text, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public async Task A_picture_that_is_dropped_shows_box_label_and_bars()
    {
        Skip.If(Chromium.Find() is null, Chromium.Absence);
        await StartAsync(answers: false);
        await using var api = await StartApiAsync(new ApiOptions());
        await using var browser = await Chromium.OpenAsync(api.Address);

        await DropAsync(browser, Surroundings.Picture(".png", side: 200));
        var image = await Pipeline.ExpectMsgAsync<ClassifyImage>(Patience);
        Pipeline.LastSender.Tell(HappyFaces.In(image));

        await StatusAsync(browser, "1 face in 7 ms, by vit 2026-01.");
        Assert.Equal("1. Happy, 70.0 %", await TextAsync(browser, ".face h2"));
        Assert.Equal(7, (await browser.EvaluateAsync("document.querySelectorAll('.bar').length")).GetInt32());
        var widest = (await browser.EvaluateAsync(
            "document.querySelector('.bar').getBoundingClientRect().width / document.querySelector('.track').getBoundingClientRect().width")).GetDouble();
        Assert.Equal(0.7, widest, 0.02);

        // The box is drawn in the picture's own pixels.
        var pixel = (await browser.EvaluateAsync("[...picture.getContext('2d').getImageData(60, 120, 1, 1).data].join()")).GetString();
        Assert.Equal("0,224,208,255", pixel);
        if (Environment.GetEnvironmentVariable("FER_SCREENSHOTS") is { Length: > 0 } folder)
        {
            await File.WriteAllBytesAsync(Path.Combine(folder, "page.png"), await browser.ScreenshotAsync());
        }
    }

    [SkippableFact]
    public async Task An_explanation_is_drawn_over_the_crop_that_the_model_saw()
    {
        Skip.If(Chromium.Find() is null, Chromium.Absence);
        await StartAsync(answers: false);
        await using var api = await StartApiAsync(new ApiOptions());
        await using var browser = await Chromium.OpenAsync(api.Address);
        await LoadedAsync(browser);
        await browser.EvaluateAsync("document.getElementById('explain').value = 'gradient'");

        await DropAsync(browser, Surroundings.Picture(".png", side: 200));
        var image = await Pipeline.ExpectMsgAsync<ClassifyImage>(Patience);
        Assert.Equal(new ExplanationRequest(ExplanationMethod.Gradient), image.Request.Explain);
        Assert.Equal(IncludeParts.Crop, image.Request.Include);
        Pipeline.LastSender.Tell(HappyFaces.In(image, new FaceExplanation("gradient", Expression.Happy, [[1, 0], [0, 0]])));

        await UntilAsync(async () => (await browser.EvaluateAsync("document.querySelector('.heat-note') !== null")).ValueKind == JsonValueKind.True);
        Assert.Equal("What spoke for Happy", await TextAsync(browser, ".heat-note"));
        var redness = await browser.EvaluateAsync("""
            (() => {
              const pen = document.querySelector(".heat").getContext("2d");
              return [pen.getImageData(30, 30, 1, 1).data, pen.getImageData(210, 210, 1, 1).data].map((p) => p[0] - p[2]);
            })()
            """);
        Assert.True(redness[0].GetInt32() > 100, redness.ToString());
        Assert.True(redness[1].GetInt32() < redness[0].GetInt32() - 60, redness.ToString());
        if (Environment.GetEnvironmentVariable("FER_SCREENSHOTS") is { Length: > 0 } folder)
        {
            await File.WriteAllBytesAsync(Path.Combine(folder, "explanation.png"), await browser.ScreenshotAsync());
        }
    }

    [SkippableFact]
    public async Task A_persons_word_on_a_face_reaches_the_queue_of_feedback()
    {
        Skip.If(Chromium.Find() is null, Chromium.Absence);
        await StartAsync(answers: false);
        await Client.Channel.QueueDeclareAsync(Options.FeedbackQueue, durable: false, exclusive: false, autoDelete: false);
        await using var api = await StartApiAsync(new ApiOptions());
        await using var browser = await Chromium.OpenAsync(api.Address);
        await DropAsync(browser, Surroundings.Picture(".png", side: 200));
        var image = await Pipeline.ExpectMsgAsync<ClassifyImage>(Patience);
        Pipeline.LastSender.Tell(HappyFaces.In(image));
        await StatusAsync(browser, "1 face");

        await browser.EvaluateAsync("document.querySelector('button.wrong').click()");
        Assert.False((await browser.EvaluateAsync("document.querySelector('select.word').hidden")).GetBoolean());
        await browser.EvaluateAsync(
            "(() => { const s = document.querySelector('select.word'); s.value = 'Sad'; s.dispatchEvent(new Event('change')); })()");

        await UntilAsync(async () => await TextAsync(browser, "p.word") == "Noted: Sad.");
        Assert.True(FeedbackFields.TryRead((await Client.NextAsync(Options.FeedbackQueue)).Body, out var fields, out _));
        Assert.Equal(new FeedbackFields(image.MessageId, 0, Expression.Sad, Expression.Happy, FakePipeline.Version, "api"), fields);
    }

    [SkippableFact]
    public async Task A_face_that_is_right_is_confirmed_with_one_click_and_only_once()
    {
        Skip.If(Chromium.Find() is null, Chromium.Absence);
        await StartAsync(answers: false);
        await Client.Channel.QueueDeclareAsync(Options.FeedbackQueue, durable: false, exclusive: false, autoDelete: false);
        await using var api = await StartApiAsync(new ApiOptions());
        await using var browser = await Chromium.OpenAsync(api.Address);
        await DropAsync(browser, Surroundings.Picture(".png", side: 200));
        var image = await Pipeline.ExpectMsgAsync<ClassifyImage>(Patience);
        Pipeline.LastSender.Tell(HappyFaces.In(image));
        await StatusAsync(browser, "1 face");

        await browser.EvaluateAsync("document.querySelector('button.right').click()");

        await UntilAsync(async () => await TextAsync(browser, "p.word") == "Noted: Happy.");
        Assert.True(FeedbackFields.TryRead((await Client.NextAsync(Options.FeedbackQueue)).Body, out var fields, out _));
        Assert.Equal((Expression.Happy, (Expression?)Expression.Happy), (fields!.Label, fields.Predicted));
        Assert.True((await browser.EvaluateAsync("document.querySelector('button.right').disabled && document.querySelector('button.wrong').disabled")).GetBoolean());
    }

    [SkippableFact]
    public async Task The_labels_of_a_group_do_not_cover_each_other_or_leave_the_picture()
    {
        Skip.If(Chromium.Find() is null, Chromium.Absence);
        await StartAsync(answers: false);
        await using var api = await StartApiAsync(new ApiOptions());
        await using var browser = await Chromium.OpenAsync(api.Address);
        await DropAsync(browser, Surroundings.Picture(".png", side: 400));
        var image = await Pipeline.ExpectMsgAsync<ClassifyImage>(Patience);
        var answer = HappyFaces.In(image);
        var face = answer.Result.Faces[0];

        // Two rows, nearer to each other than their labels are wide, one of them at the upper edge, one beyond the right one.
        var group = Enumerable.Range(0, 12).Select(i => face with { Box = new FaceBox(20 + (60 * (i % 6)), i < 6 ? 2 : 60, 40, 50) }).ToList();
        Pipeline.LastSender.Tell(answer with { Result = answer.Result with { Faces = group } });

        await StatusAsync(browser, "12 faces");
        var labels = (await browser.EvaluateAsync("placed")).EnumerateArray()
            .Select(label => new[] { "x", "y", "width", "height" }.Select(side => label.GetProperty(side).GetDouble()).ToArray())
            .ToList();
        Assert.Equal(12, labels.Count);
        Assert.All(labels, l => Assert.True(l[0] >= 0 && l[1] >= 0 && l[0] + l[2] <= 400 && l[1] + l[3] <= 400));
        var covering = labels.SelectMany((a, i) => labels.Skip(i + 1).Where(
            b => a[0] + 0.01 < b[0] + b[2] && b[0] + 0.01 < a[0] + a[2] && a[1] + 0.01 < b[1] + b[3] && b[1] + 0.01 < a[1] + a[3]));
        Assert.Empty(covering);
    }

    [SkippableFact]
    public async Task Enter_in_the_field_of_the_key_sends_the_refused_picture_again()
    {
        Skip.If(Chromium.Find() is null, Chromium.Absence);
        var (key, line) = ApiKeyLine.Create("anna");
        await StartAsync(answers: false);
        await using var api = await StartApiAsync(new ApiOptions { KeyHashes = [line.ToString()] });
        await using var browser = await Chromium.OpenAsync(api.Address);
        await DropAsync(browser, Surroundings.Picture(".png", side: 200));
        await StatusAsync(browser, "An API key is needed");
        Assert.Equal("key", (await browser.EvaluateAsync("document.activeElement.id")).GetString());

        await browser.TypeAsync(key);
        await browser.PressEnterAsync();

        var image = await Pipeline.ExpectMsgAsync<ClassifyImage>(Patience);
        Pipeline.LastSender.Tell(HappyFaces.In(image));
        await StatusAsync(browser, "1 face");
    }

    [SkippableFact]
    public async Task A_refusal_is_shown_as_a_sentence_and_a_missing_key_is_asked_for()
    {
        Skip.If(Chromium.Find() is null, Chromium.Absence);
        var (_, line) = ApiKeyLine.Create("anna");
        await using var open = await StartApiAsync(new ApiOptions());
        await using var closed = await StartApiAsync(new ApiOptions { KeyHashes = [line.ToString()] });
        await using (var browser = await Chromium.OpenAsync(open.Address))
        {
            await DropAsync(browser, "no picture <b>at all</b>"u8.ToArray());
            await StatusAsync(browser, "accepted are JPEG, PNG, WebP and BMP.");
        }

        await using (var browser = await Chromium.OpenAsync(closed.Address))
        {
            await DropAsync(browser, Surroundings.Picture(".png"));
            await StatusAsync(browser, "An API key is needed");
            Assert.False((await browser.EvaluateAsync("document.getElementById('key-row').hidden")).GetBoolean());
        }
    }

    private async Task<ApiUnderTest> StartApiAsync(ApiOptions options)
    {
        RequireBroker();
        var api = await ApiUnderTest.StartAsync(Sys, Options, options);
        await UntilAsync(async () => (await api.Gateway.Ask<GatewayStatus>(GetGatewayStatus.Instance, Patience)).Connected);
        return api;
    }

    // A new tab is complete while it is still blank.
    private Task LoadedAsync(Chromium browser) => UntilAsync(async () =>
        (await browser.EvaluateAsync("document.readyState === 'complete' && document.getElementById('drop') !== null")).ValueKind == JsonValueKind.True);

    private async Task DropAsync(Chromium browser, byte[] file)
    {
        await LoadedAsync(browser);
        await browser.EvaluateAsync($$"""
            (() => {
              const bytes = Uint8Array.from(atob("{{Convert.ToBase64String(file)}}"), (c) => c.charCodeAt(0));
              const data = new DataTransfer();
              data.items.add(new File([bytes], "../../face.png"));
              document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
            })()
            """);
    }

    private Task StatusAsync(Chromium browser, string text) =>
        UntilAsync(async () => (await TextAsync(browser, "#status")).Contains(text, StringComparison.Ordinal));

    private static async Task<string> TextAsync(Chromium browser, string selector) =>
        (await browser.EvaluateAsync($"document.querySelector('{selector}').textContent")).GetString()!;
}
