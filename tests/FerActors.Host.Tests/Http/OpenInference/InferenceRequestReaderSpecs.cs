using System.Text;
using FerActors.Host.Http.OpenInference;
using FerActors.Host.Http.Requests;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Tests.Http.OpenInference;

public sealed class InferenceRequestReaderSpecs
{
    private const int ImageBytes = 8 * 1024 * 1024;

    [Fact]
    public void A_shape_that_its_text_cannot_fill_is_refused_before_memory_is_taken_for_it()
    {
        var body = Encoding.UTF8.GetBytes(
            """{"inputs":[{"name":"image","shape":[64,1600,1600,3],"datatype":"UINT8","data":[1,2,3]}]}""");
        var reader = new InferenceRequestReader(ImageBytes, maxImages: 64);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var refusal = Assert.Throws<ApiException>(() => reader.Read(body, jsonLength: null));

        Assert.Contains("the data does not fit the shape", refusal.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1024 * 1024);
    }

    [Fact]
    public void A_shape_that_is_just_filled_is_read()
    {
        var body = Encoding.UTF8.GetBytes("""{"inputs":[{"name":"image","shape":[2,1,2,1],"datatype":"UINT8","data":[[[1,2]],[[3,4]]]}]}""");

        Assert.Equal(2, new InferenceRequestReader(ImageBytes, maxImages: 64).Read(body, jsonLength: null).Images.Count);
    }

    [Theory]
    [InlineData("""{"id":7,"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["+/8="]}]}""", "7")]
    [InlineData("""{"id":null,"parameters":null,"outputs":null,"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","parameters":null,"data":["+/8="]}]}""", null)]
    [InlineData("""{"id":"a","outputs":[],"inputs":[{"name":"image","shape":[1.0],"datatype":"BYTES","data":["-_8"]}]}""", "a")]
    [InlineData("""{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["data:image/jpeg;base64,+/8="]}]}""", null)]
    [InlineData("""{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":[" DATA:image/png;name=a.png;BASE64,\n-_8 "]}]}""", null)]
    [InlineData("""{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["+/\r\n8="]}]}""", null)]
    [InlineData("""{"inputs":[{"name":"image","shape":[2],"datatype":"UINT8","data":[251.0,2.55e2]}]}""", null)]
    [InlineData("\uFEFF{\"inputs\":[{\"name\":\"image\",\"shape\":[1],\"datatype\":\"BYTES\",\"data\":[\"+/8\"]}]}", null)]
    [InlineData("""{"parameters":{"priority":1,"timeout":9,"faces":null},"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["+/8="]}],"outputs":[{"name":"label","parameters":null}]}""", null)]
    public void What_is_valid_is_read_however_it_is_written(string body, string? id)
    {
        var request = Read(body);

        Assert.Equal(id, request.Id);
        Assert.Equal([0xFB, 0xFF], Assert.Single(request.Images).ToArray());
    }

    [Theory]
    [InlineData("", "body is empty")]
    [InlineData("no json", "line 1, byte 2")]
    [InlineData("\u001F\u008B\b", "gzip")]
    [InlineData("[]", "not an object")]
    [InlineData("null", "not an object")]
    [InlineData("""{"inputs":{}}""", "'inputs' is not an array")]
    [InlineData("""{"inputs":[7]}""", "an element of 'inputs' is not an object")]
    [InlineData("""{"inputs":[{"name":7}]}""", "'name' is not a string")]
    [InlineData("""{"inputs":[{},{}]}""", "'inputs' has more than 1")]
    [InlineData("""{"inputs":[{"name":"image"}]}""", "no shape")]
    [InlineData("""{"inputs":[{"name":"image","shape":"1"}]}""", "'shape' is not an array")]
    [InlineData("""{"inputs":[{"name":"image","shape":[1.5]}]}""", "an element of 'shape' is not a whole number")]
    [InlineData("""{"inputs":[{"name":"image","shape":[1e99]}]}""", "an element of 'shape' is not a whole number")]
    [InlineData("""{"inputs":[{"name":"image","shape":[1,1,1,1,1]}]}""", "'shape' has more than 4")]
    [InlineData("""{"inputs":[{"name":"image","shape":[1]}]}""", "no datatype")]
    [InlineData("""{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES"}]}""", "no data")]
    [InlineData("""{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":"+/8="}]}""", "data of its input is not an array")]
    [InlineData("""{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":[7]}]}""", "an element of the data is not a string")]
    [InlineData("""{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["\ud800"]}]}""", "not Unicode")]
    [InlineData("""{"inputs":[{"name":"image","shape":[2],"datatype":"BYTES","data":["+/8=","a b!"]}]}""", "image 1 of the data is not base64")]
    [InlineData("""{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["data:image/svg+xml,x"]}]}""", "data URL without base64")]
    [InlineData("""{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["https://a.example/b.jpg"]}]}""", "sent, not fetched")]
    [InlineData("""{"inputs":[{"name":"image","shape":[1],"datatype":"UINT8","data":[1.5]}]}""", "not a whole number")]
    [InlineData("""{"inputs":[{"name":"image","shape":[1],"datatype":"UINT8","data":[256]}]}""", "not from 0 to 255")]
    [InlineData("""{"inputs":[{"name":"image","shape":[1],"datatype":"UINT8","data":["1"]}]}""", "not a whole number")]
    [InlineData("""{"id":{},"inputs":[{"name":"image","shape":[1],"datatype":"UINT8","data":[1]}]}""", "'id' is not a string")]
    [InlineData("""{"parameters":{"face":"largest"},"inputs":[{"name":"image","shape":[1],"datatype":"UINT8","data":[1]}]}""", "the nearest known one is faces")]
    [InlineData("""{"parameters":[],"inputs":[{"name":"image","shape":[1],"datatype":"UINT8","data":[1]}]}""", "'parameters' is not an object")]
    [InlineData("""{"outputs":["label"],"inputs":[{"name":"image","shape":[1],"datatype":"UINT8","data":[1]}]}""", "an element of 'outputs' is not an object")]
    public void What_is_not_valid_gets_a_sentence_that_names_it(string body, string sentence)
    {
        // Latin-1 keeps single bytes single.
        var refusal = Assert.Throws<ApiException>(() => Read(body, body.StartsWith('\u001F') ? Encoding.Latin1 : Encoding.UTF8));

        Assert.Equal(ApiCodes.InvalidRequest, refusal.Code);
        Assert.Contains(sentence, refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_behind_the_JSON_must_be_named()
    {
        var json = """{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["+/8="]}]}""";

        var refusal = Assert.Throws<ApiException>(() => new InferenceRequestReader(ImageBytes, 64).Read(Encoding.UTF8.GetBytes(json + "x"), json.Length));

        Assert.Contains("binary_data_size", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("inputs")]
    [InlineData("outputs")]
    public void A_long_array_costs_no_memory_beyond_its_text(string name)
    {
        const int length = 1_000_000;
        var body = Encoding.UTF8.GetBytes($$"""{"inputs":[{"name":"image","shape":[1],"datatype":"UINT8","data":[1]}],"{{name}}":[{{string.Join(',', Enumerable.Repeat(0, length))}}]}""");
        var reader = new InferenceRequestReader(ImageBytes, 64);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<ApiException>(() => reader.Read(body, jsonLength: null));

        // The parsed document itself has 12 bytes for each value, in buffers that double.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 40 * length);
    }

    private static InferenceRequest Read(string body, Encoding? encoding = null) =>
        new InferenceRequestReader(ImageBytes, maxImages: 64).Read((encoding ?? Encoding.UTF8).GetBytes(body), jsonLength: null);
}
